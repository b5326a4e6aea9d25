using HShare.AI.Engine.Models;
using Microsoft.Extensions.Logging;

namespace HShare.AI.Hosting;

/// <summary>Logs the progress of loading a model, a line for every tenth, and passes it on.</summary>
internal sealed class LoadProgressLog(ILogger logger, string modelId, IProgress<LoadProgress>? next) : IProgress<LoadProgress>
{
    private long _tenthsLogged;

    public void Report(LoadProgress value)
    {
        next?.Report(value);
        long tenths = value.TotalBytes > 0 ? value.BytesRead * 10 / value.TotalBytes : 10;
        if (tenths <= _tenthsLogged)
            return;

        _tenthsLogged = tenths;
        logger.LoadProgress(modelId, (int)tenths * 10, value.TotalBytes / 1_000_000);
    }
}
