using Microsoft.Extensions.Logging;

namespace HShare.AI;

/// <summary>Every line this library logs.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Loading model {ModelId} from {Directory}")]
    public static partial void LoadingModel(this ILogger logger, string modelId, string directory);

    [LoggerMessage(2, LogLevel.Information, "Loading model {ModelId}: {Percent} % of {Megabytes} MB read")]
    public static partial void LoadProgress(this ILogger logger, string modelId, int percent, long megabytes);

    [LoggerMessage(EventId = 3, Message = "Backend Auto: {Backend}, because {Reason}")]
    public static partial void BackendChosen(this ILogger logger, LogLevel level, string backend, string reason);

    [LoggerMessage(
        4, LogLevel.Information, "Model {ModelId} is ready after {Seconds:0.0} s on {Backend}: context {Context}, batch {Batch}")]
    public static partial void ModelReady(this ILogger logger, string modelId, double seconds, string backend, int? context, int batch);

    [LoggerMessage(
        7,
        LogLevel.Information,
        "Preparing model {ModelId} on {Backend}: at the first start its kernels are compiled, which takes some seconds")]
    public static partial void WarmingUp(this ILogger logger, string modelId, string backend);

    [LoggerMessage(5, LogLevel.Information, "Stopping model {ModelId}: running requests have {Seconds:0.#} s to finish")]
    public static partial void StoppingModel(this ILogger logger, string modelId, double seconds);

    [LoggerMessage(6, LogLevel.Debug, "ChatOptions.AdditionalProperties has '{Key}', which is not one of HShare.AI's keys: left to others")]
    public static partial void ForeignProperty(this ILogger logger, string key);
}
