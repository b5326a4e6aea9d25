// A chat over HTTP: POST /chat answers as JSON, POST /chat/stream as server-sent events, GET /health says whether the model is ready.
using ChatApi;
using Microsoft.Extensions.AI;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddHShareChatClient(builder.Configuration.GetSection("HShare"));
builder.Services.AddHealthChecks().AddHShareHealthCheck();
builder.Services.AddProblemDetails().AddExceptionHandler<ChatErrors>();
if (!string.IsNullOrEmpty(builder.Configuration[Telemetry.EndpointVariable]))
    builder.Services.AddHostedService<Telemetry>();

WebApplication app = builder.Build();
app.UseExceptionHandler();
app.MapHealthChecks("/health");

app.MapPost("/chat", async (ChatRequest request, IChatClient client, CancellationToken cancellationToken) =>
    ChatAnswer.From(await client.GetResponseAsync(request.ToMessages(), request.ToOptions(), cancellationToken)));

app.MapPost("/chat/stream", async (ChatRequest request, IChatClient client, CancellationToken cancellationToken) =>
    TypedResults.ServerSentEvents(await ChatStream.StartAsync(
        client.GetStreamingResponseAsync(request.ToMessages(), request.ToOptions(), cancellationToken), cancellationToken)));

app.Run();
