namespace HShare.AI.Engine.Attention;

/// <summary>Who borrows from whom, by HShare's algorithm 1 ("Layer (Head) Sharing"; ICLR 2025).</summary>
public static class GreedySharing
{
    /// <summary>
    /// Takes the most similar pair of an earlier and a later unit, makes the later one follow the earlier one, and repeats; in the end a
    /// follower whose leader has become a follower itself follows that one's leader. Ties go to the pair that comes first by rows.
    /// </summary>
    /// <param name="similarity">[units][units]: how alike two units are. Only what lies below the diagonal is read.</param>
    /// <param name="followers">How many units shall follow; fewer than there are units.</param>
    /// <returns>[units]: each unit's leader, itself where it is one.</returns>
    /// <exception cref="ArgumentException">The matrix is not square, or there are too many followers.</exception>
    public static int[] Leaders(IReadOnlyList<float[]> similarity, int followers)
    {
        ArgumentNullException.ThrowIfNull(similarity);
        int units = similarity.Count;
        if (similarity.Any(row => row.Length < units))
            throw new ArgumentException($"The similarity of {units} units has to have {units} columns in every row.", nameof(similarity));
        if (followers < 0 || followers >= Math.Max(units, 1))
            throw new ArgumentException($"Of {units} units at most {units - 1} can follow, not {followers}.", nameof(followers));

        int[] leader = [.. Enumerable.Range(0, units)];
        bool[] follows = new bool[units];
        for (int n = 0; n < followers; n++)
        {
            (int follower, int chosen) = MostSimilar(similarity, follows);
            follows[follower] = true;
            leader[follower] = chosen;
            for (int k = 0; k < units; k++)
            {
                if (leader[k] == follower)
                    leader[k] = chosen;
            }
        }

        return leader;
    }

    /// <summary>
    /// The first largest entry. A follower's row and its column are out: it needs no second leader and can lead no one. (The paper sets
    /// both to zero; leaving them out is the same, and also right where what remains is zero.)
    /// </summary>
    private static (int Follower, int Leader) MostSimilar(IReadOnlyList<float[]> similarity, bool[] follows)
    {
        (int Follower, int Leader) best = (-1, -1);
        for (int i = 1; i < follows.Length; i++)
        {
            if (follows[i])
                continue;
            for (int j = 0; j < i; j++)
            {
                if (!follows[j] && (best.Follower < 0 || similarity[i][j] > similarity[best.Follower][best.Leader]))
                    best = (i, j);
            }
        }

        return best;
    }
}
