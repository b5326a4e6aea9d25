namespace HShare.AI.Engine.Sampling;

/// <summary>The logit pipeline on the host: penalties, temperature, top-k, top-p, min-p, draw.</summary>
public static class Sampler
{
    /// <summary>Chooses a token. Does not allocate once a thread has sampled before.</summary>
    /// <param name="logits">[vocabulary]; overwritten.</param>
    /// <param name="row">How.</param>
    public static int Sample(Span<float> logits, in SamplingRow row) => throw new NotImplementedException();
}
