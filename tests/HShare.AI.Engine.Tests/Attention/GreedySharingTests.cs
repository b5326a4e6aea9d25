using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class GreedySharingTests
{
    [Fact]
    public void It_is_algorithm_1_on_random_matrices()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            (float[][] similarity, int followers) = RandomCase(seed);
            Assert.Equal(ByTheBook(similarity, followers), GreedySharing.Leaders(similarity, followers));
        }
    }

    [Fact]
    public void Leaders_are_as_many_as_asked_for_come_first_and_lead_themselves()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            (float[][] similarity, int followers) = RandomCase(seed);
            int[] leader = GreedySharing.Leaders(similarity, followers);
            Assert.Equal(similarity.Length - followers, leader.Distinct().Count());
            Assert.All(leader, (l, unit) => Assert.True(l <= unit));
            Assert.All(leader, l => Assert.Equal(l, leader[l]));
        }
    }

    [Fact]
    public void Trap13_a_followers_row_and_column_are_out_and_its_own_followers_follow_its_leader()
    {
        // 2 follows 1 first. Then 1 follows 0, and takes 2 with it, though 2 and 0 have nothing in common. With column 1 zeroed instead
        // (the leader's, not the follower's) 3 would follow 2, which leads no more.
        float[][] similarity = [[0, 0, 0, 0], [0.5f, 0, 0, 0], [0, 0.9f, 0, 0], [0.1f, 0.3f, 0.8f, 0]];
        Assert.Equal([0, 1, 1, 3], GreedySharing.Leaders(similarity, 1));
        Assert.Equal([0, 0, 0, 3], GreedySharing.Leaders(similarity, 2));
        Assert.Equal([0, 0, 0, 0], GreedySharing.Leaders(similarity, 3));
    }

    [Fact]
    public void Ties_go_to_the_pair_that_comes_first_by_rows()
    {
        float[][] similarity = [[0, 0, 0], [0.5f, 0, 0], [0.5f, 0.5f, 0]];
        Assert.Equal([0, 0, 2], GreedySharing.Leaders(similarity, 1));
    }

    [Fact]
    public void Units_that_have_nothing_in_common_share_all_the_same()
    {
        float[][] similarity = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
        Assert.Equal([0, 0, 0], GreedySharing.Leaders(similarity, 2));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(-1)]
    public void Not_every_unit_can_follow(int followers) =>
        Assert.Throws<ArgumentException>(() => GreedySharing.Leaders([[0, 0, 0], [1, 0, 0], [1, 1, 0]], followers));

    private static (float[][] Similarity, int Followers) RandomCase(int seed)
    {
        Random random = new(seed);
        int units = random.Next(1, 17);
        float[][] similarity = [.. Enumerable.Range(0, units).Select(i => Enumerable.Range(0, units)
            .Select(j => j < i ? random.Next(1, 12) / 12f : 0).ToArray())]; // few values, so that there are ties
        return (similarity, random.Next(units));
    }

    /// <summary>The paper's words, one after the other: a list of pairs, zeroed rows and columns, then the closure.</summary>
    private static int[] ByTheBook(float[][] similarity, int followers)
    {
        int n = similarity.Length;
        float[] m = [.. similarity.SelectMany(row => row)];
        List<(int I, int J)> pairs = [];
        while (pairs.Count < followers)
        {
            int arg = Array.IndexOf(m, m.Max());
            (int i, int j) = (arg / n, arg % n);
            pairs.Add((i, j));
            for (int k = 0; k < n; k++)
                m[i * n + k] = m[k * n + i] = 0;
        }

        Dictionary<int, int> follows = pairs.ToDictionary(pair => pair.I, pair => pair.J);
        return [.. Enumerable.Range(0, n).Select(Root)];

        int Root(int unit) => follows.TryGetValue(unit, out int leader) ? Root(leader) : unit;
    }
}
