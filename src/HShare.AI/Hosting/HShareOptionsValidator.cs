using HShare.AI.Engine.Attention;
using Microsoft.Extensions.Options;

namespace HShare.AI.Hosting;

/// <summary>Checks <see cref="HShareOptions"/> before a model is loaded with them, and says what to set.</summary>
internal sealed class HShareOptionsValidator : IValidateOptions<HShareOptions>
{
    /// <summary>Throws where options that did not come from a container are not valid.</summary>
    public static void ThrowIfInvalid(HShareOptions options)
    {
        List<string> failures = Validate(options);
        if (failures.Count > 0)
            throw new OptionsValidationException(Options.DefaultName, typeof(HShareOptions), failures);
    }

    public ValidateOptionsResult Validate(string? name, HShareOptions options)
    {
        string model = string.IsNullOrEmpty(name) ? "" : $"Chat client '{name}': ";
        List<string> failures = Validate(options);
        return failures.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(failures.ConvertAll(failure => model + failure));
    }

    private static List<string> Validate(HShareOptions options)
    {
        List<string> failures = [];

        void Require(bool valid, string property, object? value, string remedy)
        {
            if (!valid)
                failures.Add($"{nameof(HShareOptions)}.{property} is {value ?? "null"}. {remedy}");
        }

        Require(
            options.ModelPath is null || (options.ModelPath.Length > 0 && File.Exists(Path.Combine(options.ModelPath, "config.json"))),
            nameof(options.ModelPath), $"'{options.ModelPath}'",
            "No folder with a config.json is there. Set it to the folder of a downloaded model, or leave it unset for the bundled model.");
        Require(
            options.ModelId is null || !string.IsNullOrWhiteSpace(options.ModelId), nameof(options.ModelId), $"'{options.ModelId}'",
            "Set it to a name, or leave it unset for the name of the model's folder.");
        RequireDefined(nameof(options.Backend), options.Backend);
        RequireDefined(nameof(options.WeightFormat), options.WeightFormat);
        RequireDefined(nameof(options.KvCacheFormat), options.KvCacheFormat);
        RequireDefined(nameof(options.PrefixSharing), options.PrefixSharing);
        RequireDefined(nameof(options.ToolCallFormat), options.ToolCallFormat);
        RequirePreset(nameof(options.Attention), options.Attention);
        foreach (string preset in options.AttentionPresets)
            RequirePreset(nameof(options.AttentionPresets), preset);
        Require(options.Threads is null or >= 1, nameof(options.Threads), options.Threads,
            "Set it to 1 or more, or leave it unset for one thread for each core.");
        Require(options.Threads is null || options.Backend != HShareBackend.Cuda, nameof(options.Threads), options.Threads,
            $"They are of the CPU backend: leave them unset where {nameof(options.Backend)} is {HShareBackend.Cuda}.");
        Require(options.GpuIndex == 0 || options.Backend != HShareBackend.Cpu, nameof(options.GpuIndex), options.GpuIndex,
            $"It means nothing where {nameof(options.Backend)} is {HShareBackend.Cpu}: leave it unset.");
        Require(options.CudaLibraryPath is null || options.Backend != HShareBackend.Cpu, nameof(options.CudaLibraryPath),
            $"'{options.CudaLibraryPath}'", $"It means nothing where {nameof(options.Backend)} is {HShareBackend.Cpu}: leave it unset.");
        Require(options.GpuIndex >= 0, nameof(options.GpuIndex), options.GpuIndex, "Set it to 0 or more; the driver counts GPUs from 0.");
        Require(
            options.CudaLibraryPath is null || Directory.Exists(options.CudaLibraryPath), nameof(options.CudaLibraryPath),
            $"'{options.CudaLibraryPath}'", "No such folder is there. Set it to the folder of the CUDA libraries, or leave it unset.");
        Require(options.MaxContext is null or >= 2, nameof(options.MaxContext), options.MaxContext,
            "Set it to 2 or more tokens, or leave it unset for the model's context length.");
        Require(options.MaxBatch >= 1, nameof(options.MaxBatch), options.MaxBatch, "Set it to 1 or more (16 by default).");
        Require(options.MaxStepRows >= options.MaxBatch, nameof(options.MaxStepRows), options.MaxStepRows,
            $"Set it to {nameof(options.MaxBatch)} ({options.MaxBatch}) or more (512 by default): each answer takes a row of a step.");
        Require(options.KvCacheMegabytes is null or >= 1, nameof(options.KvCacheMegabytes), options.KvCacheMegabytes,
            $"Set it to 1 or more, or leave it unset for room for {nameof(options.MaxBatch)} full contexts.");
        Require(options.QueueLength >= 0, nameof(options.QueueLength), options.QueueLength, "Set it to 0 or more (64 by default).");
        Require(options.RequestTimeLimit is null || options.RequestTimeLimit > TimeSpan.Zero, nameof(options.RequestTimeLimit),
            options.RequestTimeLimit, "Set it to a positive time, or leave it unset for no limit.");
        Require(options.DrainLimit >= TimeSpan.Zero, nameof(options.DrainLimit), options.DrainLimit,
            "Set it to zero (end running requests at once) or to a positive time (20 s by default).");
        return failures;

        void RequirePreset(string property, string? preset)
        {
            try
            {
                _ = preset is null ? null : AttentionPreset.Parse(preset);
            }
            catch (ArgumentException error)
            {
                failures.Add($"{nameof(HShareOptions)}.{property}: {error.Message}");
            }
        }

        void RequireDefined<TEnum>(string property, TEnum value)
            where TEnum : struct, Enum =>
            Require(Enum.IsDefined(value), property, value, $"Set it to one of: {string.Join(", ", Enum.GetNames<TEnum>())}.");
    }
}
