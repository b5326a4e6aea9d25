namespace HShare.AI.Engine.Sampling;

/// <summary>How the next token is drawn from the logits. The defaults are greedy decoding with no penalty.</summary>
public sealed record SamplingParameters
{
    /// <summary>Greedy decoding.</summary>
    public static SamplingParameters Greedy { get; } = new();

    /// <summary>Divides the logits; 0 = take the most probable token.</summary>
    public float Temperature { get; init; }

    /// <summary>Keep only this many most probable tokens; 0 = all.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the smallest set of most probable tokens whose probability reaches this; 1 = all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Drop tokens less probable than this share of the most probable one; 0 = none.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen in prompt or output; 1 = off (CTRL, Keskar 2019).</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted from the logit of every token seen in prompt or output.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit once for each time it was seen in prompt or output.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Seed of the request's own random stream; null = a new one for each request.</summary>
    public long? Seed { get; init; }

    /// <summary>Whether any penalty needs the counts of tokens seen.</summary>
    public bool HasPenalty => RepetitionPenalty != 1 || PresencePenalty != 0 || FrequencyPenalty != 0;

    /// <summary>Checks every parameter's range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A parameter is not a number or out of range; the message names it.</exception>
    internal void Validate()
    {
        Require(float.IsFinite(Temperature) && Temperature >= 0, Temperature, nameof(Temperature), "must be 0 (greedy) or positive");
        Require(TopK >= 0, TopK, nameof(TopK), "must be 0 (all) or positive");
        Require(TopP is >= 0 and <= 1, TopP, nameof(TopP), "must lie between 0 and 1 (all)");
        Require(MinP is >= 0 and <= 1, MinP, nameof(MinP), "must lie between 0 (off) and 1");
        Require(float.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, RepetitionPenalty, nameof(RepetitionPenalty),
            "must be a positive number; 1 is off");
        Require(float.IsFinite(PresencePenalty), PresencePenalty, nameof(PresencePenalty), "must be a finite number; 0 is off");
        Require(float.IsFinite(FrequencyPenalty), FrequencyPenalty, nameof(FrequencyPenalty), "must be a finite number; 0 is off");
    }

    private static void Require(bool valid, object value, string name, string rule)
    {
        if (!valid)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {rule}.");
    }
}

/// <summary>What one row of logits is sampled with.</summary>
/// <param name="Parameters">The request's parameters.</param>
/// <param name="Uniform">This step's draw of the request's random stream, in [0, 1).</param>
/// <param name="Seen">How often each token occurred in prompt and output; null where no penalty is set.</param>
/// <param name="Allowed">
/// The tokens that may be drawn, a bit for each (token i is bit i % 32 of word i / 32), and none beyond the last word; null = all.
/// </param>
public readonly record struct SamplingRow(SamplingParameters Parameters, float Uniform, TokenCounts? Seen, uint[]? Allowed = null);
