using System.Numerics;
using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Sampling;

/// <summary>
/// The logit pipeline on the host, in the order that transformers and vLLM use: penalties (repetition, then presence and frequency),
/// temperature, top-k, top-p, min-p, draw; before all of them, what is not allowed is taken out. Top-p is measured on what top-k left,
/// min-p against the most probable token.
/// </summary>
public static class Sampler
{
    /// <summary>What stands for a token where no logit is a number greater than -∞.</summary>
    public const int NoToken = -1;

    private static readonly Vector<uint> LaneBits = new([.. Enumerable.Range(0, Vector<uint>.Count).Select(lane => 1u << lane)]);

    /// <summary>Chooses a token. Does not allocate once a thread has sampled before.</summary>
    /// <remarks>
    /// Temperature 0 takes the largest logit; of equal ones the lowest id. Top-k keeps exactly k tokens; of equal ones the lowest ids.
    /// A logit that is not a number, or -∞, is never chosen; <see cref="NoToken"/> says that all are such.
    /// </remarks>
    /// <param name="logits">[vocabulary]; overwritten.</param>
    /// <param name="row">How.</param>
    public static int Sample(Span<float> logits, in SamplingRow row)
    {
        SamplingParameters parameters = row.Parameters;
        if (row.Allowed is { } allowed)
            Mask(logits, allowed);
        if (row.Seen is { } seen)
            Penalize(logits, parameters, seen);

        float maximum = Maximum(logits);
        if (maximum == float.NegativeInfinity)
            return NoToken;
        if (parameters.Temperature == 0 || maximum == float.PositiveInfinity)
            return logits.IndexOf(maximum);

        return Filter(logits, maximum, parameters).Draw(row.Uniform);
    }

    /// <summary>The tokens that top-k, top-p and min-p leave, weighed at the temperature.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="maximum">The largest of them.</param>
    /// <param name="parameters">A temperature above 0, and the filters.</param>
    internal static CandidateSet Filter(ReadOnlySpan<float> logits, float maximum, SamplingParameters parameters)
    {
        CandidateSet candidates = CandidateSet.OfThisThread;
        bool topK = parameters.TopK > 0 && parameters.TopK < logits.Length;
        candidates.Gather(logits, topK ? TopKFloor(logits, parameters.TopK) : float.MinValue);
        if (topK)
            candidates.KeepTop(parameters.TopK);
        candidates.Weigh(maximum, parameters.Temperature);
        if (parameters.TopP < 1)
            candidates.KeepMass(parameters.TopP);
        if (parameters.MinP > 0)
            candidates.KeepAtLeast(parameters.MinP); // the most probable token weighs 1
        return candidates;
    }

    /// <summary>The largest logit; -∞ where none is a number.</summary>
    internal static float Maximum(ReadOnlySpan<float> logits)
    {
        Vector<float> largest = new(float.NegativeInfinity);
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        foreach (Vector<float> vector in vectors)
            largest = Vector.ConditionalSelect(Vector.GreaterThan(vector, largest), vector, largest); // never true for NaN

        float maximum = float.NegativeInfinity;
        for (int i = 0; i < Vector<float>.Count; i++)
            maximum = MathF.Max(maximum, largest[i]);
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
            maximum = logit > maximum ? logit : maximum;
        return maximum;
    }

    private static void Mask(Span<float> logits, ReadOnlySpan<uint> allowed)
    {
        Vector<float> never = new(float.NegativeInfinity);
        int width = Vector<float>.Count, first = 0; // a vector's bits lie in one word
        for (; first <= logits.Length - width; first += width)
        {
            uint bits = first / 32 < allowed.Length ? allowed[first / 32] >> first : 0;
            Span<float> part = logits.Slice(first, width);
            Vector<uint> isAllowed = Vector.Equals(new Vector<uint>(bits) & LaneBits, LaneBits);
            Vector.ConditionalSelect(Vector.AsVectorSingle(isAllowed), new Vector<float>(part), never).CopyTo(part);
        }

        for (; first < logits.Length; first++)
        {
            if (first / 32 >= allowed.Length || (allowed[first / 32] >> first & 1) == 0)
                logits[first] = float.NegativeInfinity;
        }
    }

    private static void Penalize(Span<float> logits, SamplingParameters parameters, TokenCounts seen)
    {
        foreach ((int id, int count) in seen)
        {
            float logit = logits[id];
            logit = logit > 0 ? logit / parameters.RepetitionPenalty : logit * parameters.RepetitionPenalty;
            logits[id] = logit - parameters.PresencePenalty - count * parameters.FrequencyPenalty;
        }
    }

    /// <summary>
    /// A logit that none of the k largest lies under, found in one pass: cut the vocabulary into k stretches; their maxima are k
    /// logits, so the k-th largest of all is at least the least of these.
    /// </summary>
    private static float TopKFloor(ReadOnlySpan<float> logits, int k)
    {
        int stretch = logits.Length / k;
        float floor = float.PositiveInfinity;
        for (int i = 0; i < k; i++)
            floor = MathF.Min(floor, Maximum(logits.Slice(i * stretch, stretch)));
        return MathF.Max(floor, float.MinValue);
    }
}
