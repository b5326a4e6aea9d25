using HShare.AI;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.Bench.Gpu;

namespace HShare.Cli.Doctor;

/// <summary>A short decode of the bundled model, through what the engine computes steps with.</summary>
internal static class DecodeCheck
{
    private const int PromptTokens = 300;
    private const int Steps = 24;

    /// <summary>Tokens that may differ: where two of them are nearly as probable, rounding decides.</summary>
    private const int MayDiffer = 2;

    /// <summary>Decodes on the CPU.</summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <returns>The check, and the tokens; none where it failed.</returns>
    public static (DoctorCheck Check, int[] Tokens) OnCpu(string directory, CancellationToken cancellationToken)
    {
        const string Name = "short decode on the CPU";
        try
        {
            using CpuBackend backend = new();
            int[] tokens = Decode(directory, backend, [], cancellationToken);
            return (DoctorCheck.Ok(Name, $"{tokens.Length} tokens on {backend.Description}", HShareBackend.Cpu), tokens);
        }
        catch (Exception error) when (error is HShareException or InsufficientMemoryException or IOException)
        {
            return (DoctorCheck.Failed(Name, error.Message, null, HShareBackend.Cpu), []);
        }
    }

    /// <summary>Decodes on another backend with the CPU's tokens before each, and compares what it would have drawn.</summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="backend">The backend; stays the caller's.</param>
    /// <param name="expected">What the CPU has drawn.</param>
    /// <param name="neededBy">Which backend it is.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    public static DoctorCheck On(
        string directory, Backend backend, int[] expected, HShareBackend neededBy, CancellationToken cancellationToken)
    {
        const string Name = "short decode against the CPU";
        try
        {
            int[] drawn = Decode(directory, backend, expected, cancellationToken);
            int equal = drawn.Zip(expected).Count(pair => pair.First == pair.Second);
            string finding = $"{equal} of {expected.Length} tokens equal";
            return expected.Length - equal <= MayDiffer
                ? DoctorCheck.Ok(Name, finding, neededBy)
                : DoctorCheck.Failed(Name, finding, "An operation computes wrongly: see the lines above, or report it.", neededBy);
        }
        catch (Exception error) when (error is HShareException or InsufficientMemoryException or IOException or NotSupportedException)
        {
            return DoctorCheck.Failed(Name, error.Message, null, neededBy);
        }
    }

    private static int[] Decode(string directory, Backend backend, int[] given, CancellationToken cancellationToken)
    {
        LanguageModel model = LanguageModel.Load(directory, backend, WeightFormat.AsStored, null, cancellationToken);
        ModelConfig config = model.Config;
        AttentionPolicy full = RatioPlan.Policy(AttentionPreset.Full, config.LayerCount, config.KvHeadCount, config.HeadDim);
        int[][] prompts = EngineSteps.RandomPrompts(1, PromptTokens, config.VocabularySize);
        EngineSteps engine = new(model, full, prompts, PromptTokens + Steps, PromptTokens, backend.CacheTypes[0]);
        List<int> drawn = [engine.Prefill(0, cancellationToken)];
        Sequence[] sequences = engine.Start(given.Length > 0 ? given.AsSpan(0, 1) : [drawn[0]]);
        int[] next = new int[1];
        while (drawn.Count < Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            engine.Decode(sequences, given.Length > 0 ? given.AsSpan(drawn.Count, 1) : [], next);
            drawn.Add(next[0]);
        }

        return [.. drawn];
    }

}
