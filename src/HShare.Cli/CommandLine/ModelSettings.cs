using System.CommandLine;
using HShare.AI;
using HShare.AI.Cuda;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.Output;

namespace HShare.Cli.CommandLine;

/// <summary>Which model the common options ask for, on what, and kept how.</summary>
/// <param name="Folder">The model's folder; null = the bundled model.</param>
/// <param name="Backend">What it runs on.</param>
/// <param name="Threads">Threads of the CPU backend; null = one for each core.</param>
/// <param name="Weights">How linear layers are kept.</param>
/// <param name="Kv">How keys and values are kept; null = as the backend usually does.</param>
/// <param name="Context">Most tokens of prompt and answer; null = the model's own.</param>
internal sealed record ModelSettings(
    string? Folder, HShareBackend Backend, int? Threads, WeightFormat Weights, DType? Kv, int? Context)
{
    /// <summary>The model's folder.</summary>
    /// <exception cref="HShare.AI.Engine.ModelLoadException">The bundled model is asked for and is not there.</exception>
    public string Directory => Folder ?? BundledModel.Find();

    /// <summary>Name of the folder.</summary>
    public string Name => Folder is null
        ? BundledModel.Name
        : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Folder)));

    /// <summary>Reads the common options.</summary>
    /// <param name="arguments">What was given.</param>
    /// <param name="argument">The model's folder where the command takes it as an argument too.</param>
    /// <exception cref="InputException">
    /// Both the argument and <c>--model</c> name a folder, or threads are given for a GPU.
    /// </exception>
    public static ModelSettings Read(ParseResult arguments, string? argument = null)
    {
        string? option = arguments.GetValue(CommonOptions.Model);
        if (argument is not null && option is not null)
            throw new InputException($"The model's folder is given twice: '{argument}' and --model '{option}'. Give one of them.");

        HShareBackend backend = arguments.GetValue(CommonOptions.Backend);
        int? threads = arguments.GetValue(CommonOptions.Threads);
        if (backend == HShareBackend.Cuda && threads is not null)
            throw new InputException("--threads are of the CPU backend: leave them out with --backend cuda.");

        return new ModelSettings(
            argument ?? option,
            backend,
            threads,
            arguments.GetValue(CommonOptions.Weights),
            ElementType(arguments.GetValue(CommonOptions.Kv)),
            arguments.GetValue(CommonOptions.Context));
    }

    /// <summary>Makes the backend. Under auto, threads mean the CPU.</summary>
    /// <exception cref="CudaException">The GPU is asked for and cannot be used.</exception>
    public Backend CreateBackend(Terminal? terminal = null) => Backend switch
    {
        HShareBackend.Auto when Threads is null => Choose(terminal),
        HShareBackend.Auto or HShareBackend.Cpu => new CpuBackend(Threads),
        HShareBackend.Cuda => new CudaBackend(),
        _ => throw new InputException($"The backend {Backend} is not known."),
    };

    /// <summary>Loads the model, with a progress bar.</summary>
    public Task<LanguageModel> LoadAsync(Terminal terminal, CancellationToken cancellationToken) =>
        terminal.WithProgressAsync(
            $"Loading {Name}",
            progress => Task.Run(
                () => LanguageModel.Load(Directory, CreateBackend(terminal), Weights, new LoadFraction(progress), cancellationToken),
                cancellationToken));

    /// <summary>Loads the model and starts an engine on it, with a progress bar.</summary>
    /// <param name="terminal">Where the bar goes.</param>
    /// <param name="options">Limits other than context and KV type, which come from these settings.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    public async Task<InferenceEngine> StartEngineAsync(Terminal terminal, EngineOptions options, CancellationToken cancellationToken)
    {
        LanguageModel model = await LoadAsync(terminal, cancellationToken);
        InferenceEngine engine;
        try
        {
            engine = new InferenceEngine(model, options with { MaxContext = Context, KvCacheType = Kv });
        }
        catch
        {
            model.Dispose();
            throw;
        }

        try
        {
            if (model.Backend.PreparesAtFirstUse)
            {
                await terminal.WithProgressAsync($"Preparing {model.Backend.Description}", async _ =>
                {
                    await engine.WarmUpAsync(cancellationToken);
                    return true;
                });
            }

            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    private static Backend Choose(Terminal? terminal)
    {
        var choice = BackendChoice.Fastest();
        if (choice.IsSecondBest)
            terminal?.Error.WriteLine($"hshare: running on {choice.Backend.Description}: {choice.Reason} (hshare doctor shows more)");
        return choice.Backend;
    }

    private static DType? ElementType(KvCacheFormat format) => format switch
    {
        KvCacheFormat.Float32 => DType.Float32,
        KvCacheFormat.Float16 => DType.Float16,
        KvCacheFormat.BFloat16 => DType.BFloat16,
        KvCacheFormat.Float8 => DType.Float8,
        _ => null,
    };

    private sealed class LoadFraction(IProgress<double> progress) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => progress.Report((double)value.BytesRead / value.TotalBytes);
    }
}
