namespace HShare.AI.Engine.Models;

/// <summary>Sampling defaults that a model ships in <c>generation_config.json</c>; null where it says nothing.</summary>
/// <param name="DoSample">Whether to sample at all; false = greedy, also where the file says nothing (as transformers has it).</param>
/// <param name="Temperature">See <see cref="Sampling.SamplingParameters.Temperature"/>.</param>
/// <param name="TopK">See <see cref="Sampling.SamplingParameters.TopK"/>.</param>
/// <param name="TopP">See <see cref="Sampling.SamplingParameters.TopP"/>.</param>
/// <param name="MinP">See <see cref="Sampling.SamplingParameters.MinP"/>.</param>
/// <param name="RepetitionPenalty">See <see cref="Sampling.SamplingParameters.RepetitionPenalty"/>.</param>
public sealed record GenerationDefaults(
    bool? DoSample, float? Temperature, int? TopK, float? TopP, float? MinP, float? RepetitionPenalty)
{
    /// <summary>Name of the file in a model folder.</summary>
    internal const string FileName = "generation_config.json";

    /// <summary>What holds for a model that ships no defaults: greedy decoding.</summary>
    internal static GenerationDefaults None { get; } = new(false, null, null, null, null, null);

    /// <summary>Reads the defaults of a model folder; <see cref="None"/> where it has no such file.</summary>
    /// <exception cref="ModelLoadException">The file is damaged, or a value is out of range.</exception>
    internal static GenerationDefaults Read(string directory) =>
        ModelJson.ReadOptional(Path.Combine(directory, FileName)) is { } json ? Parse(json) : None;

    /// <summary>Reads the contents of <c>generation_config.json</c>.</summary>
    /// <exception cref="ModelLoadException">A value is out of range.</exception>
    internal static GenerationDefaults Parse(ModelJson json) => new(
        json.Boolean("do_sample") ?? false,
        InRange(json, "temperature", 0, float.MaxValue),
        json.Int32("top_k") is not < 0 and var topK ? topK : throw json.Error("top_k", "has to be 0 or more."),
        InRange(json, "top_p", 0, 1),
        InRange(json, "min_p", 0, 1),
        InRange(json, "repetition_penalty", float.Epsilon, float.MaxValue));

    private static float? InRange(ModelJson json, string key, float least, float most)
    {
        float? value = (float?)json.Number(key);
        return value is null || (value >= least && value <= most) ? value : throw json.Error(key, $"is {value}, which is out of range.");
    }
}
