using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>The choice among scores, against a sort.</summary>
public sealed class TokenSelectionTests
{
    private static readonly float[] Odd =
        [0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon, 1e-38f];

    public static TheoryData<string> Kinds => ["random", "negative", "equal", "few values", "zeros of both signs", "odd", "neighbours"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_best_are_those_of_a_stable_sort(string kind)
    {
        Random random = new(11);
        for (int round = 0; round < 60; round++)
        {
            int context = 1 + random.Next(900), first = random.Next(context), end = first + random.Next(context - first + 1);
            float[] scores = [.. Enumerable.Range(0, context).Select(_ => Score(kind, random))];
            foreach (int limit in new[] { 0, 1, 2, (end - first) / 2, end - first - 1, end - first, 2000 })
            {
                if (limit < 0)
                    continue;

                int[] expected = [.. Enumerable.Range(first, end - first)
                    .OrderByDescending(token => float.IsNaN(scores[token]) ? 0 : 1)
                    .ThenByDescending(token => scores[token])
                    .ThenBy(token => token)
                    .Take(limit)
                    .Order()];
                int[] chosen = new int[context];
                int count = new TokenSelection(first, end, limit).ChooseTokens(scores, 0, chosen);
                Assert.Equal(expected, chosen[..count]);
            }
        }
    }

    [Fact]
    public void Dilation_takes_what_follows_and_stays_within_the_limit()
    {
        Random random = new(12);
        for (int round = 0; round < 100; round++)
        {
            int dilation = random.Next(8), limit = 1 + random.Next(100), end = 150 + random.Next(200);
            float[] scores = random.RandomFloats(end + 20);
            int[] chosen = new int[end];
            int count = new TokenSelection(10, end, limit).ChooseTokens(scores, dilation, chosen);

            int[] anchors = [.. Enumerable.Range(10, end - 10).OrderByDescending(token => scores[token]).Take(limit / (1 + dilation))];
            int[] expected =
                [.. anchors.SelectMany(token => Enumerable.Range(token, 1 + dilation)).Where(token => token < end).Distinct().Order()];
            Assert.Equal(expected, chosen[..count]);
            Assert.True(count <= limit);
        }
    }

    [Fact]
    public void Pages_are_taken_whole_but_for_what_sinks_and_window_hold()
    {
        Random random = new(13);
        for (int round = 0; round < 100; round++)
        {
            int dilation = random.Next(3) * 3, limit = random.Next(200), first = random.Next(40), end = 300 + random.Next(100);
            float[] scores = random.RandomFloats(30);
            int[] chosen = new int[end];
            int count = new TokenSelection(first, end, limit).ChoosePages(scores, dilation, chosen);

            IEnumerable<int> pages = Enumerable.Range(first / 16, (end - 1) / 16 + 1 - first / 16)
                .OrderByDescending(page => scores[page]).Take(limit / (16 + dilation));
            int[] expected = [.. pages.SelectMany(page => Enumerable.Range(page * 16, 16 + dilation))
                .Where(token => token >= first && token < end).Distinct().Order()];
            Assert.Equal(expected, chosen[..count]);
            Assert.True(count <= limit);
        }
    }

    [Fact]
    public void Candidates_that_all_fit_are_all_taken()
    {
        int[] chosen = new int[64];
        Assert.Equal(20, new TokenSelection(30, 50, 20).ChooseTokens(new float[60], 3, chosen));
        Assert.Equal(Enumerable.Range(30, 20), chosen[..20]);
        Assert.Equal(20, new TokenSelection(30, 50, 20).ChoosePages(new float[4], 3, chosen));
        Assert.Equal(Enumerable.Range(30, 20), chosen[..20]);
        Assert.Equal(0, new TokenSelection(50, 30, 20).ChooseTokens(new float[60], 3, chosen)); // a sliding window hides them all
        Assert.Equal(0, new TokenSelection(50, 30, 20).ChoosePages(new float[4], 3, chosen));
        Assert.Equal(0, new TokenSelection(50, 30, 20).ChooseForGood(new float[60], chosen));
    }

    [Fact]
    public void What_was_not_chosen_for_good_never_comes_back()
    {
        float[] mass = [9, 5, 1, 7, 3, 8, 2, 0];
        int[] chosen = new int[8];
        Assert.Equal(3, new TokenSelection(1, 6, 3).ChooseForGood(mass, chosen));
        Assert.Equal([1, 3, 5], chosen[..3]);
        Assert.Equal([9f, 5, -1, 7, -1, 8, 2, 0], mass);

        mass[1] = 0.5f;
        Assert.Equal(3, new TokenSelection(1, 7, 3).ChooseForGood(mass, chosen));
        Assert.Equal([3, 5, 6], chosen[..3]);
        Assert.Equal(2, new TokenSelection(1, 5, 4).ChooseForGood([1, -1, 4, -1, 6, 5], chosen)); // fewer are left than may be chosen
        Assert.Equal([2, 4], chosen[..2]);
    }

    private static float Score(string kind, Random random) => kind switch
    {
        "random" => (float)Math.Exp(random.NextDouble() * 60 - 50),
        "negative" => -(float)Math.Exp(random.NextDouble() * 60 - 50),
        "equal" => 0.25f,
        "few values" => random.Next(4) - 1.5f,
        "zeros of both signs" => random.Next(2) == 0 ? 0f : -0f,
        "odd" => Odd[random.Next(Odd.Length)],
        _ => BitConverter.UInt32BitsToSingle(0x3F800000u + (uint)random.Next(3000)), // differ in the last digits only
    };
}
