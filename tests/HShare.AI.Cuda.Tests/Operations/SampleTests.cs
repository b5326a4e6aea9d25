using HShare.AI.Cuda.Operations;
using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Tokens that the GPU draws are those that the CPU would, or as likely.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly CudaBackend _backend = Gpu.Backend();
    private readonly SampleOperation _operation;

    public SampleTests() => _operation = new SampleOperation(_backend.Runtime);

    public static TheoryData<float, int, float, float> Filters => new()
    {
        { 1, 0, 1, 0 },
        { 0.5f, 0, 1, 0 },
        { 1, 1, 1, 0 },
        { 1.5f, 100, 1, 0 },
        { 1, 1_000_000, 1, 0 },
        { 1, 0, 0, 0 },
        { 1, 0, 0.3f, 0 },
        { 2, 0, 0.99f, 0 },
        { 1, 0, 1, 0.05f },
        { 1, 0, 1, 1 },
        { 0.7f, 40, 0.8f, 0.02f },
        { 0.7f, 40, 0.95f, 0.2f },
        { 3, 7, 0.7f, 0.1f },
    };

    public void Dispose() => _backend.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(33)]
    [InlineData(512)]
    [InlineData(4099)]
    [InlineData(20_000)]
    public void Greedy_takes_the_largest_logit_and_the_lowest_id_of_equal_ones(int vocabulary)
    {
        float[][] rows = [.. Enumerable.Range(0, 7).Select(seed => Logits(vocabulary, seed))];
        for (int i = 0; i < 4; i++)
        {
            int best = new Random(i).Next(vocabulary);
            rows[i][best] = rows[i][vocabulary - 1] = rows[i][best / 2 + vocabulary / 2] = 50;
        }

        Array.Fill(rows[4], -2);
        CheckAsOnTheCpu(rows, [.. rows.Select(_ => new SamplingRow(SamplingParameters.Greedy, 0, null))]);
    }

    [Fact]
    public void What_is_not_a_number_is_never_chosen()
    {
        float[][] rows = [.. Enumerable.Range(0, 6).Select(_ => Enumerable.Repeat(float.NaN, 700).ToArray())];
        Array.Fill(rows[1], float.NegativeInfinity);
        for (int i = 2; i < 6; i++)
        {
            rows[i][17] = -3;
            rows[i][3] = float.NegativeInfinity;
        }

        rows[5][60] = rows[5][5] = float.PositiveInfinity;
        foreach (SamplingParameters parameters in (SamplingParameters[])[
            SamplingParameters.Greedy, new() { Temperature = 1 }, new() { Temperature = 1, TopK = 3, TopP = 0.9f, MinP = 0.1f }])
        {
            CheckAsOnTheCpu(rows, [.. rows.Select(_ => new SamplingRow(parameters, 0.999f, null))]);
        }
    }

    [Fact]
    public void Masks_and_penalties_act_as_on_the_cpu()
    {
        foreach (int vocabulary in (int[])[40, 1000, 5001])
        {
            Random random = new(vocabulary);
            float[][] logits = [.. Enumerable.Range(0, 12).Select(seed => Logits(vocabulary, seed))];
            SamplingRow[] rows = [.. logits.Select((_, i) => new SamplingRow(
                new()
                {
                    RepetitionPenalty = i % 2 == 0 ? 1.7f : 1,
                    PresencePenalty = i % 3 == 0 ? 0.8f : 0,
                    FrequencyPenalty = i % 4 == 0 ? 0.3f : 0,
                    TopK = 1,
                    Temperature = i % 5 == 0 ? 1 : 0,
                },
                0.5f,
                i % 6 == 5 ? null : Seen(vocabulary, random),
                i % 4 == 1 ? Allowed(i == 1 ? 5 : (vocabulary + 31) / 32, random) : null))];
            CheckAsOnTheCpu(logits, rows);
        }
    }

    [Fact]
    public void A_row_that_may_choose_nothing_chooses_nothing()
    {
        float[][] logits = [Logits(100, 1), Logits(100, 2), Logits(100, 3)];
        CheckAsOnTheCpu(logits, [
            new(SamplingParameters.Greedy, 0, null, []),
            new(new() { Temperature = 1 }, 0.5f, null, [0, 0]),
            new(new() { Temperature = 1 }, 0.5f, null, [0, 1u << 9])]);
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Draws_fall_on_the_right_tokens(float temperature, int topK, float topP, float minP)
    {
        SamplingParameters parameters = new() { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        foreach (int vocabulary in (int[])[1, 7, 64, 501, 3000])
            CheckDraws(Logits(vocabulary, vocabulary), parameters, draws: 16, seed: 5);
    }

    [Fact]
    public void More_tokens_than_fit_in_shared_memory_are_drawn_from()
    {
        float[] wide = Logits(40_000, 3, spread: 0.3f);
        CheckDraws(wide, new() { Temperature = 1 }, draws: 2, seed: 6);
        CheckDraws(wide, new() { Temperature = 1, TopP = 0.9f }, draws: 2, seed: 7);
        CheckDraws(wide, new() { Temperature = 1, TopK = 20_000, TopP = 0.9f, MinP = 0.2f }, draws: 2, seed: 8);
        CheckDraws(Logits(40_001, 4, spread: 2), new() { Temperature = 0.8f, TopK = 9000, TopP = 0.7f }, draws: 2, seed: 9);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(12_000)]
    public void Of_equal_logits_those_of_the_lowest_ids_are_kept(int vocabulary)
    {
        float[] uniforms = [0, 0.001f, 0.25f, 0.5f, 0.9f, 0.999f, 1 - 1f / (1 << 24)];
        int[] drawn = Draw(new float[vocabulary], new() { Temperature = 1, TopK = 10 }, uniforms);
        Assert.Equal(uniforms.Select(uniform => (int)(uniform * 10.0)), drawn);
        drawn = Draw(new float[vocabulary], new() { Temperature = 1, TopP = 0.5f }, uniforms);
        Assert.Equal(uniforms.Select(uniform => (int)(uniform * (vocabulary / 2.0))), drawn);
        drawn = Draw(new float[vocabulary], new() { Temperature = 1 }, uniforms);
        Assert.Equal(uniforms.Select(uniform => (int)(uniform * (double)vocabulary)), drawn);
    }

    [Fact]
    public void A_tiny_temperature_is_greedy() =>
        Assert.All(
            Draw([1, 1.001f, 1], new() { Temperature = float.Epsilon }, [0, 0.5f, 0.9999f]), token => Assert.Equal(1, token));

    [Fact]
    public void Draws_follow_the_distribution()
    {
        const int Draws = 300;
        SamplingParameters parameters = new() { Temperature = 1.2f, TopK = 12, TopP = 0.95f };
        float[] logits = Logits(50, seed: 9, spread: 1.5f);
        (int Id, double Weight)[] kept = Ranked(logits, parameters);
        RandomStream stream = new(123);
        int[] counts = new int[50];
        foreach (int token in Draw(logits, parameters, [.. Enumerable.Range(0, Draws).Select(i => stream.Uniform(i))]))
            counts[token]++;

        double whole = kept.Sum(one => one.Weight);
        double chiSquare = kept.Sum(one => Math.Pow(counts[one.Id] - one.Weight / whole * Draws, 2) / (one.Weight / whole * Draws));
        Assert.Equal(Draws, kept.Sum(one => counts[one.Id]));
        Assert.True(chiSquare <= kept.Length + 4 * Math.Sqrt(2 * kept.Length), $"chi-square {chiSquare:0.0} of {kept.Length} tokens");
    }

    [Fact]
    public void Rows_of_all_kinds_do_not_disturb_each_other_and_repeat_exactly()
    {
        float[][] logits = [.. Enumerable.Range(0, 9).Select(seed => Logits(600, seed))];
        SamplingRow[] rows = [.. logits.Select((_, i) => new SamplingRow(
            new() { Temperature = i % 3 == 0 ? 0 : 0.8f, TopK = i % 2 * 20, TopP = i == 4 ? 0.6f : 1 },
            i / 9f,
            null,
            i == 5 ? Allowed(19, new Random(1)) : null))];
        int[] together = Sample(logits, rows);
        Assert.Equal(together, Sample(logits, rows));
        for (int i = 0; i < rows.Length; i++)
            Assert.Equal(together[i], Sample([logits[i]], [rows[i]])[0]);
    }

    [Fact]
    public void A_seen_token_beyond_the_vocabulary_is_refused()
    {
        TokenCounts seen = new();
        seen.Add(100);
        Assert.Contains("100", Assert.Throws<ArgumentException>(() =>
            Sample([new float[100]], [new(new() { PresencePenalty = 1 }, 0, seen)])).Message);
    }

    private void CheckAsOnTheCpu(float[][] logits, SamplingRow[] rows) => Assert.Equal(
        rows.Select((row, i) => Sampler.Sample((float[])logits[i].Clone(), row)), Sample(logits, rows));

    // The token that a walk from the most probable down reaches; where the uniform lies at the border between two, either.
    private void CheckDraws(float[] logits, SamplingParameters parameters, int draws, int seed)
    {
        Random random = new(seed);
        float[] uniforms = [.. Enumerable.Range(0, draws).Select(i => i == 0 ? 0 : random.NextSingle())];
        (int Id, double Weight)[] kept = Ranked(logits, parameters);
        double whole = kept.Sum(one => one.Weight);
        int[] drawn = Draw(logits, parameters, uniforms);
        for (int i = 0; i < draws; i++)
        {
            int place = Array.FindIndex(kept, one => one.Id == drawn[i]);
            Assert.True(place >= 0, $"token {drawn[i]} was filtered out");
            double before = kept.Take(place).Sum(one => one.Weight), target = uniforms[i] * whole;
            Assert.InRange(target, before - 1e-5 * whole, before + kept[place].Weight + 1e-5 * whole);
        }
    }

    private int[] Draw(float[] logits, SamplingParameters parameters, float[] uniforms) =>
        Sample([.. uniforms.Select(_ => logits)], [.. uniforms.Select(uniform => new SamplingRow(parameters, uniform, null))]);

    private int[] Sample(float[][] logits, SamplingRow[] rows)
    {
        Tensor tensor = _backend.Allocate(DType.Float32, logits.Length, logits[0].Length);
        _backend.Write<float>(tensor, [.. logits.SelectMany(row => row)]);
        int[] ids = [.. Enumerable.Repeat(-99, rows.Length)];
        _operation.Run(tensor, rows, ids);
        return ids;
    }

    // What the filters leave, from the most probable token down: the definition.
    private static (int Id, double Weight)[] Ranked(float[] logits, SamplingParameters parameters)
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
        return [.. Enumerable.Range(0, kept).Select(i => (order[i], weights[i]))];
    }

    private static float[] Logits(int count, int seed, float spread = 3)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(spread * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
            * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private static TokenCounts Seen(int vocabulary, Random random)
    {
        TokenCounts seen = new();
        for (int i = 0; i < vocabulary; i++)
            seen.Add(random.Next(vocabulary));
        return seen;
    }

    private static uint[] Allowed(int words, Random random) =>
        [.. Enumerable.Range(0, words).Select(_ => (uint)random.NextInt64(1L << 32))];
}
