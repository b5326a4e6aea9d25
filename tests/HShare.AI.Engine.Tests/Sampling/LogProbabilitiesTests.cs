using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Sampling;

public sealed class LogProbabilitiesTests
{
    [Fact]
    public void They_are_the_log_softmax()
    {
        float[] logits = [.. Enumerable.Range(0, 101).Select(id => MathF.Sin(id * 1.7f) * 5)];
        double normalizer = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        TokenLogprobs logprobs = LogProbabilities.Of(logits, chosen: 42, top: 7);

        Assert.Equal(logits[42] - normalizer, logprobs.Logprob, 1e-5);
        int[] best = [.. Enumerable.Range(0, 101).OrderByDescending(id => logits[id]).Take(7)];
        Assert.Equal(best, logprobs.Top.Select(top => top.Id));
        Assert.All(logprobs.Top, top => Assert.Equal(logits[top.Id] - normalizer, top.Logprob, 1e-5));
    }

    [Fact]
    public void None_of_the_others_may_be_asked_for() => Assert.Empty(LogProbabilities.Of([1, 2, 3], chosen: 0, top: 0).Top);
}
