using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Sampling;

public sealed class SamplerTests
{
    private static int Sample(float[] logits, SamplingParameters parameters, float uniform = 0, TokenCounts? seen = null) =>
        Sampler.Sample((float[])logits.Clone(), new SamplingRow(parameters, uniform, seen));

    private static TokenCounts Seen(params int[] ids)
    {
        TokenCounts counts = new();
        foreach (int id in ids)
            counts.Add(id);
        return counts;
    }

    private static float[] Logits(int count, int seed, float spread = 3)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(spread * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
            * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    /// <summary>The definition: sort, cut, renormalise. Probability of each token after all filters.</summary>
    private static double[] Distribution(float[] logits, SamplingParameters parameters)
    {
        int[] order = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id)];
        double[] weights = [.. order.Select(id => Math.Exp(((double)logits[id] - logits[order[0]]) / parameters.Temperature))];
        int kept = parameters.TopK > 0 ? Math.Min(parameters.TopK, weights.Length) : weights.Length;
        double whole = weights.Take(kept).Sum(), mass = 0;
        if (parameters.TopP < 1)
        {
            int nucleus = 0;
            while (nucleus < kept && (nucleus == 0 || mass < parameters.TopP * whole))
                mass += weights[nucleus++];
            kept = nucleus;
        }

        kept = weights.Take(kept).Count(weight => weight >= parameters.MinP);
        whole = weights.Take(kept).Sum();
        var distribution = new double[logits.Length];
        for (int i = 0; i < kept; i++)
            distribution[order[i]] = weights[i] / whole;
        return distribution;
    }

    [Fact]
    public void Greedy_takes_the_largest_logit_and_the_lowest_id_of_equal_ones()
    {
        Assert.Equal(2, Sample([1, 3, 5, 5, -1], SamplingParameters.Greedy));
        for (int length = 1; length < 70; length++)
        {
            for (int best = 0; best < length; best++)
            {
                float[] logits = [.. Enumerable.Repeat(-2f, length)];
                logits[best] = -1;
                logits[length - 1] = -1;
                Assert.Equal(best, Sample(logits, SamplingParameters.Greedy));
            }
        }
    }

    [Fact]
    public void What_is_not_a_number_is_never_chosen()
    {
        float[] logits = [.. Enumerable.Repeat(float.NaN, 40)];
        Assert.Equal(Sampler.NoToken, Sample(logits, SamplingParameters.Greedy));
        Assert.Equal(Sampler.NoToken, Sample(logits, new() { Temperature = 1, TopK = 3, TopP = 0.9f }, 0.999f));
        logits[17] = -3;
        logits[3] = float.NegativeInfinity;
        Assert.Equal(17, Sample(logits, SamplingParameters.Greedy));
        Assert.Equal(17, Sample(logits, new() { Temperature = 1 }, 0.999f));
        Assert.Equal(17, Sample(logits, new() { Temperature = 1, TopK = 3, TopP = 0.9f }, 0.999f));
        logits[5] = float.PositiveInfinity;
        Assert.Equal(5, Sample(logits, new() { Temperature = 1 }, 0.999f));
    }

    [Fact]
    public void Penalties_by_hand()
    {
        float[] logits = [2, -1, 1.5f, 0];
        TokenCounts seen = Seen(0, 0, 1);

        // Repetition divides what is positive and multiplies what is negative: 2 / 2 = 1, -1 * 2 = -2.
        Assert.Equal(2, Sample(logits, new() { RepetitionPenalty = 2 }, seen: seen));
        Assert.Equal(1, Sample([-9, -1, -1.9f, -9], new() { RepetitionPenalty = 1.8f }, seen: seen));
        Assert.Equal(2, Sample([-9, -1, -1.9f, -9], new() { RepetitionPenalty = 2 }, seen: seen));

        // Presence counts once, frequency each time: 2 - 0.4 = 1.6, 2 - 2 * 0.4 = 1.2.
        Assert.Equal(0, Sample(logits, new() { PresencePenalty = 0.4f }, seen: seen));
        Assert.Equal(2, Sample(logits, new() { FrequencyPenalty = 0.4f }, seen: seen));
        Assert.Equal(1, Sample(logits, new() { PresencePenalty = -3.1f }, seen: Seen(1))); // -1 + 3.1 = 2.1: negative ones invite

        // All together: 2 / 1.1 - 0.1 - 2 * 0.1 = 1.518.
        SamplingParameters all = new() { RepetitionPenalty = 1.1f, PresencePenalty = 0.1f, FrequencyPenalty = 0.1f };
        Assert.Equal(0, Sample([2, 0, 1.51f], all, seen: Seen(0, 0)));
        Assert.Equal(2, Sample([2, 0, 1.53f], all, seen: Seen(0, 0)));
    }

    public static TheoryData<float, int, float, float> Filters => new()
    {
        { 1, 0, 1, 0 },
        { 0.5f, 0, 1, 0 },
        { 1, 1, 1, 0 },
        { 1, 10, 1, 0 },
        { 1.5f, 100, 1, 0 },
        { 1, 1_000_000, 1, 0 },
        { 1, 0, 0, 0 },
        { 1, 0, 0.3f, 0 },
        { 1, 0, 0.9f, 0 },
        { 2, 0, 0.99f, 0 },
        { 1, 0, 1, 0.05f },
        { 1, 0, 1, 1 },
        { 0.7f, 40, 0.8f, 0.02f },
        { 0.7f, 40, 0.95f, 0.2f },
        { 3, 7, 0.7f, 0.1f },
    };

    [Theory]
    [MemberData(nameof(Filters))]
    public void The_filters_keep_exactly_the_right_tokens(float temperature, int topK, float topP, float minP)
    {
        SamplingParameters parameters = new() { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        foreach (int vocabulary in (int[])[1, 2, 7, 64, 500, 5000])
        {
            for (int seed = 0; seed < 10; seed++)
            {
                float[] logits = Logits(vocabulary, seed);
                double[] expected = Distribution(logits, parameters);
                CandidateSet kept = Sampler.Filter(logits, Sampler.Maximum(logits), parameters);
                Assert.Equal(Enumerable.Range(0, vocabulary).Where(id => expected[id] > 0), kept.Ids.ToArray().Order());

                double whole = kept.Scores.ToArray().Sum(score => (double)score);
                for (int i = 0; i < kept.Count; i++)
                    Assert.True(Math.Abs(kept.Scores[i] / whole - expected[kept.Ids[i]]) < 1e-6);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Draws_follow_the_distribution(float temperature, int topK, float topP, float minP)
    {
        const int Draws = 20_000;
        SamplingParameters parameters = new() { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        float[] logits = Logits(50, seed: 9, spread: 1.5f);
        double[] expected = Distribution(logits, parameters);
        var counts = new int[logits.Length];
        RandomStream stream = new(123);
        for (int i = 0; i < Draws; i++)
            counts[Sample(logits, parameters, stream.Uniform(i))]++;

        double chiSquare = 0;
        int degrees = -1;
        for (int id = 0; id < counts.Length; id++)
        {
            if (expected[id] == 0)
                Assert.Equal(0, counts[id]);
            if (expected[id] * Draws < 5)
                continue;
            chiSquare += Math.Pow(counts[id] - expected[id] * Draws, 2) / (expected[id] * Draws);
            degrees++;
        }

        double most = degrees + 4 * Math.Sqrt(2 * degrees) + 1e-9;
        Assert.True(chiSquare <= most, $"chi-square {chiSquare:0.0} at {degrees} degrees of freedom");
    }

    [Fact]
    public void Of_equal_logits_top_k_keeps_the_lowest_ids()
    {
        float[] logits = new float[1000];
        HashSet<int> drawn = [];
        for (int i = 0; i < 1000; i++)
            drawn.Add(Sample(logits, new() { Temperature = 1, TopK = 10 }, i / 1000f));
        Assert.Equal(Enumerable.Range(0, 10), drawn.Order());

        drawn.Clear();
        for (int i = 0; i < 1000; i++)
            drawn.Add(Sample(logits, new() { Temperature = 1, TopP = 0.0495f }, i / 1000f));
        Assert.Equal(Enumerable.Range(0, 50), drawn.Order());
    }

    [Fact]
    public void A_tiny_temperature_is_greedy() =>
        Assert.Equal(1, Sample([1, 1.001f, 1], new() { Temperature = float.Epsilon }, 0.9999f));

    [Fact]
    public void A_large_vocabulary_is_filtered_exactly()
    {
        float[] logits = Logits(128_000, seed: 4, spread: 2);
        foreach (SamplingParameters parameters in (SamplingParameters[])[
            new() { Temperature = 1, TopK = 50 },
            new() { Temperature = 0.6f, TopP = 0.5f },
            new() { Temperature = 1, TopK = 2000, TopP = 0.9f, MinP = 0.02f }])
        {
            double[] expected = Distribution(logits, parameters);
            CandidateSet kept = Sampler.Filter(logits, Sampler.Maximum(logits), parameters);
            Assert.Equal(Enumerable.Range(0, logits.Length).Where(id => expected[id] > 0), kept.Ids.ToArray().Order());
        }
    }

    [Fact]
    public void Sampling_does_not_allocate()
    {
        float[] logits = Logits(5000, seed: 1);
        var scratch = new float[logits.Length];
        SamplingParameters parameters = new() { Temperature = 1, TopK = 500, TopP = 0.9f, MinP = 0.01f, RepetitionPenalty = 1.1f };
        TokenCounts seen = Seen(1, 2, 3, 3);
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
            Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            logits.CopyTo(scratch, 0);
            Sampler.Sample(scratch, new SamplingRow(parameters, 0.5f, seen));
        }
    }
}
