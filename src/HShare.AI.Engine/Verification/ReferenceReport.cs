using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Verification;

/// <summary>How far a model may be from its reference.</summary>
/// <param name="Logits">Largest absolute difference of a logit.</param>
/// <param name="Margin">A greedy step counts where the reference's best logit lies further above its second best than this.</param>
/// <param name="Spread">
/// Added to <paramref name="Logits"/>, and twice to <paramref name="Margin"/>: this share of the spread of a case's logits (the reference's
/// largest less its least).
/// </param>
public sealed record ReferenceTolerance(float Logits = 1e-3f, float Margin = 2e-3f, float Spread = 0)
{
    /// <summary>
    /// Share of the spread that a 16-bit computation may differ by: each of its products is rounded to 8 (bfloat16) or 11 significant bits.
    /// </summary>
    public const float SixteenBitSpread = 0.03f;

    /// <summary>What passes on a backend where nobody says it: rounding in its arithmetic.</summary>
    public static ReferenceTolerance For(Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return backend.ActivationType == DType.Float32 ? new() : new(Spread: SixteenBitSpread);
    }

    /// <summary>What passes for a case.</summary>
    internal ReferenceTolerance ForCase(ReferenceCase item)
    {
        if (Spread == 0 || item.Logits.Count == 0)
            return this;
        float spread = Spread * (item.Logits.Max(l => l.Value) - item.Logits.Min(l => l.Value));
        return new(Logits + spread, Margin + 2 * spread);
    }
}

/// <summary>How a model compares with its reference.</summary>
/// <param name="Reference">What computed the reference, in words.</param>
/// <param name="Cases">One for each case.</param>
public sealed record ReferenceReport(string Reference, IReadOnlyList<ReferenceCaseReport> Cases)
{
    /// <summary>Whether every case is within the tolerance.</summary>
    public bool Passed => Cases.All(c => c.Passed);

    /// <summary>Largest logit difference of all cases; NaN where the model computed one.</summary>
    public float LargestLogitDifference => Cases.Aggregate(0f, (largest, c) => MathF.Max(largest, c.LargestLogitDifference));

    /// <summary>Greedy steps that are the reference's.</summary>
    public int StepsEqual => Cases.Sum(c => c.StepsEqual);

    /// <summary>Greedy steps that are not, though the reference was sure.</summary>
    public int StepsUnequal => Cases.Sum(c => c.StepsUnequal);

    /// <summary>Greedy steps in which the reference's margin was within the tolerance: they count neither way.</summary>
    public int StepsBelowMargin => Cases.Sum(c => c.StepsBelowMargin);
}

/// <summary>How a model compares with its reference on one prompt.</summary>
/// <param name="Name">Name of the case.</param>
/// <param name="PromptTokens">Length of its prompt.</param>
/// <param name="LargestLogitDifference">Largest absolute difference of the reference's logits; NaN where the model computed one.</param>
/// <param name="StepsEqual">Greedy steps that are the reference's.</param>
/// <param name="StepsUnequal">Greedy steps that are not, though the reference was sure.</param>
/// <param name="StepsBelowMargin">Greedy steps in which the reference's margin was within the tolerance: they count neither way.</param>
/// <param name="Passed">Whether the logits are within the tolerance and no step is unequal.</param>
public sealed record ReferenceCaseReport(
    string Name, int PromptTokens, float LargestLogitDifference, int StepsEqual, int StepsUnequal, int StepsBelowMargin, bool Passed);
