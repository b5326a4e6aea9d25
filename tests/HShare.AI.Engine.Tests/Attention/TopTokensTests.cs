using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class TopTokensTests
{
    [Fact]
    public void They_are_the_first_of_a_sorted_list()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            Random random = new(seed);
            int values = random.Next(1, 40); // often few, so that there are ties
            float[] scores = [.. Enumerable.Range(0, random.Next(1, 300)).Select(_ => (random.Next(values) - values / 2) / 7f)];
            int first = random.Next(scores.Length), end = random.Next(first, scores.Length + 1), count = random.Next(scores.Length + 2);
            IEnumerable<int> expected = Enumerable.Range(first, end - first).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(count);
            Assert.Equal(expected, TopTokens.Ranked(scores, first, end, count));
        }
    }

    [Fact]
    public void An_empty_range_has_none() => Assert.Empty(TopTokens.Ranked([1, 2, 3], first: 2, end: 1, count: 3));
}
