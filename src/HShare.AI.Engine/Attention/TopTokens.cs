namespace HShare.AI.Engine.Attention;

/// <summary>The highest of many scores.</summary>
internal static class TopTokens
{
    /// <summary>Where the highest scores of a range are, best first; of equal ones the earlier.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="first">First candidate.</param>
    /// <param name="end">Behind the last candidate; there are none where it is not above <paramref name="first"/>.</param>
    /// <param name="count">How many are wanted; fewer come back where there are fewer candidates.</param>
    public static int[] Ranked(ReadOnlySpan<float> scores, int first, int end, int count)
    {
        int candidates = Math.Max(end - first, 0);
        count = Math.Clamp(count, 0, candidates);
        ulong[] keys = new ulong[candidates];
        for (int i = 0; i < candidates; i++)
            keys[i] = Key(scores[first + i], first + i);

        if (count < candidates)
            MoveSmallestToFront(keys, count);
        Array.Sort(keys, 0, count);
        int[] positions = new int[count];
        for (int i = 0; i < count; i++)
            positions[i] = (int)(uint)keys[i];
        return positions;
    }

    /// <summary>A number that is the smaller the higher the score is and, among equal scores, the earlier the position.</summary>
    private static ulong Key(float score, int position)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score);
        uint ascending = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
        return ((ulong)~ascending << 32) | (uint)position;
    }

    /// <summary>Quickselect; all keys differ, for each holds its position.</summary>
    private static void MoveSmallestToFront(Span<ulong> keys, int count)
    {
        int low = 0, high = keys.Length - 1;
        while (low < high)
        {
            ulong pivot = MedianOf(keys[low], keys[(low + high) / 2], keys[high]);
            int i = low, j = high;
            while (i <= j)
            {
                while (keys[i] < pivot)
                    i++;
                while (keys[j] > pivot)
                    j--;
                if (i <= j)
                {
                    (keys[i], keys[j]) = (keys[j], keys[i]);
                    i++;
                    j--;
                }
            }

            if (count - 1 <= j)
                high = j;
            else if (count >= i)
                low = i;
            else
                return;
        }
    }

    private static ulong MedianOf(ulong a, ulong b, ulong c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
