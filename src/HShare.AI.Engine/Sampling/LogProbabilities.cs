using System.Numerics;
using System.Runtime.InteropServices;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Sampling;

/// <summary>Log-probabilities of the model's own distribution: log-softmax of the raw logits.</summary>
internal static class LogProbabilities
{
    /// <summary>Reports the chosen token and the most probable ones.</summary>
    /// <param name="logits">[vocabulary], as the model gave them.</param>
    /// <param name="chosen">The token that was drawn.</param>
    /// <param name="top">How many of the most probable tokens to report.</param>
    public static TokenLogprobs Of(ReadOnlySpan<float> logits, int chosen, int top)
    {
        float normalizer = LogSumExp(logits);
        CandidateSet candidates = CandidateSet.OfThisThread;
        candidates.Gather(logits, float.MinValue);
        candidates.KeepTop(top);
        candidates.Sort();

        var best = new (int Id, float Logprob)[candidates.Count];
        for (int i = 0; i < best.Length; i++)
            best[i] = (candidates.Ids[i], candidates.Scores[i] - normalizer);
        return new TokenLogprobs(logits[chosen] - normalizer, best);
    }

    private static float LogSumExp(ReadOnlySpan<float> logits)
    {
        float maximum = Sampler.Maximum(logits);
        Vector<float> maxima = new(maximum);
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        double sum = 0;
        foreach (Vector<float> vector in vectors)
            sum += Vector.Sum(Vector.Exp(vector - maxima));
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
            sum += MathF.Exp(logit - maximum);
        return maximum + (float)Math.Log(sum);
    }
}
