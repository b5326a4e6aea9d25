using HShare.AI.ChatTemplates;
using HShare.AI.Engine;
using Microsoft.AspNetCore.Diagnostics;

namespace ChatApi;

/// <summary>Answers the client's errors with the status code that tells the caller what to do; their messages say the rest.</summary>
internal sealed class ChatErrors(IProblemDetailsService problems) : IExceptionHandler
{
    /// <summary>The status code of an error, or null where it is none of the caller's business.</summary>
    public static int? StatusOf(Exception error) => error switch
    {
        PromptTooLongException => StatusCodes.Status413PayloadTooLarge,
        QueueFullException => StatusCodes.Status429TooManyRequests,
        EngineStoppedException => StatusCodes.Status503ServiceUnavailable,
        RequestTimeLimitException => StatusCodes.Status504GatewayTimeout,
        NotSupportedException or ArgumentException or ChatTemplateException => StatusCodes.Status400BadRequest,
        BadHttpRequestException bad => bad.StatusCode,
        _ => null,
    };

    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception error, CancellationToken cancellationToken)
    {
        if (StatusOf(error) is not { } status)
            return false;

        context.Response.StatusCode = status;
        if (error is QueueFullException or EngineStoppedException)
            context.Response.Headers.RetryAfter = "1";
        return await problems.TryWriteAsync(
            new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = status, Detail = error.Message } });
    }
}
