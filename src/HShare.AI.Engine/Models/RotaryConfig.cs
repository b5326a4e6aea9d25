using System.Text.Json;

namespace HShare.AI.Engine.Models;

/// <summary>Rotary position embedding: base and scaling.</summary>
/// <param name="Theta">Base of the angles' geometric series.</param>
/// <param name="Scaling">How the angles are stretched for longer contexts, or null.</param>
public sealed record RotaryConfig(double Theta, RotaryScaling? Scaling)
{
    private const double DefaultTheta = 10000;

    /// <summary>Reads either spelling: <c>rope_theta</c> with <c>rope_scaling</c>, or the newer <c>rope_parameters</c>.</summary>
    /// <exception cref="ModelLoadException">The scaling is not supported, not possible, or the two spellings disagree.</exception>
    internal static RotaryConfig Read(ModelJson config)
    {
        double theta = ReadTheta(config) ?? DefaultTheta;
        RotaryConfig? newer = config.Object("rope_parameters") is { } parameters
            ? new RotaryConfig(ReadTheta(parameters) ?? theta, RotaryScaling.Read(parameters))
            : null;
        RotaryConfig? older = config.Object("rope_scaling") is { } scaling
            ? new RotaryConfig(ReadTheta(scaling) ?? theta, RotaryScaling.Read(scaling))
            : null;

        return newer is not null && older is not null && newer != older
            ? throw config.Error("rope_parameters", "and rope_scaling disagree. Remove one of them.")
            : newer ?? older ?? new RotaryConfig(theta, null);
    }

    private static double? ReadTheta(ModelJson json) => json.Number("rope_theta") switch
    {
        null => null,
        > 0 and double theta => theta,
        double theta => throw json.Error("rope_theta", $"is {theta}; it has to be positive."),
    };
}

/// <summary>A stretch of the rotary angles.</summary>
public abstract record RotaryScaling
{
    /// <summary>Reads the contents of <c>rope_scaling</c> or <c>rope_parameters</c>; null = not scaled.</summary>
    internal static RotaryScaling? Read(ModelJson json)
    {
        foreach (JsonProperty property in json.Properties)
        {
            if (property.Value.ValueKind == JsonValueKind.Object)
                throw json.Error(property.Name, "has rotary settings of its own; only one setting for all layers is supported.");
        }

        if (json.Number("partial_rotary_factor") is { } share and not 1)
            throw json.Error("partial_rotary_factor", $"is {share}; only models that rotate whole heads are supported.");

        string key = json.Has("rope_type") ? "rope_type" : "type";
        return json.Text(key) switch
        {
            null when json.Has("factor") => throw json.Error(key, "is missing: how the angles are scaled is not known."),
            null or "default" => null,
            "linear" => new LinearRotaryScaling(Positive(json, "factor")),
            "llama3" => ReadLlama3(json),
            string other => throw json.Error(key, $"is \"{other}\"; supported are default, linear and llama3."),
        };
    }

    private static Llama3RotaryScaling ReadLlama3(ModelJson json)
    {
        double low = Positive(json, "low_freq_factor"), high = Positive(json, "high_freq_factor");
        if (high <= low)
            throw json.Error("high_freq_factor", $"is {high}; it has to be greater than low_freq_factor, {low}.");

        const string ContextKey = "original_max_position_embeddings";
        return json.Int32(ContextKey) is > 0 and int context
            ? new Llama3RotaryScaling(Positive(json, "factor"), low, high, context)
            : throw json.Error(ContextKey, "has to be given as a positive whole number.");
    }

    private static double Positive(ModelJson json, string key) => json.Number(key) is > 0 and double value
        ? value
        : throw json.Error(key, "has to be given as a positive number.");
}

/// <summary>All angles divided by a factor (position interpolation, Chen et al. 2023).</summary>
/// <param name="Factor">The divisor.</param>
public sealed record LinearRotaryScaling(double Factor) : RotaryScaling;

/// <summary>Low frequencies divided by a factor, high ones kept, those between blended (Llama 3.1).</summary>
/// <param name="Factor">The divisor of low frequencies.</param>
/// <param name="LowFrequencyFactor">Wavelengths over original context / this are low.</param>
/// <param name="HighFrequencyFactor">Wavelengths under original context / this are high.</param>
/// <param name="OriginalContextLength">Context before the stretch.</param>
public sealed record Llama3RotaryScaling(
    double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContextLength) : RotaryScaling;
