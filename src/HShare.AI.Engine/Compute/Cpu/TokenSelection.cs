using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>The best of the tokens between sinks and window, ascending and each once. Ties go to the earlier token.</summary>
/// <param name="first">First candidate.</param>
/// <param name="end">Token behind the last candidate: where the window starts.</param>
/// <param name="limit">Most tokens to choose.</param>
internal readonly ref struct TokenSelection(int first, int end, int limit)
{
    private const int Bits = 11;
    private const int Bins = 1 << Bits;

    /// <summary>Chooses the highest tokens, and with each some that follow it.</summary>
    /// <param name="scores">[context].</param>
    /// <param name="dilation">How many tokens follow.</param>
    /// <param name="chosen">Receives the positions.</param>
    /// <returns>How many there are.</returns>
    public int ChooseTokens(ReadOnlySpan<float> scores, int dilation, Span<int> chosen)
    {
        if (end - first <= limit)
            return AddRange(first, end, chosen, 0);

        int anchors = limit / (1 + dilation), count = 0;
        Threshold threshold = new(scores[first..end], anchors);
        for (int i = first; i < end; i++)
        {
            if (threshold.Takes(scores[i]))
                count = AddRange(count == 0 ? i : Math.Max(i, chosen[count - 1] + 1), Math.Min(end, i + 1 + dilation), chosen, count);
        }

        return count;
    }

    /// <summary>Chooses the highest pages, and with each some tokens that follow it; <paramref name="scores"/> are of pages.</summary>
    /// <inheritdoc cref="ChooseTokens"/>
    public int ChoosePages(ReadOnlySpan<float> scores, int dilation, Span<int> chosen)
    {
        if (end - first <= limit)
            return AddRange(first, end, chosen, 0);

        int firstPage = first / KvLayer.PageSize, endPage = (end - 1) / KvLayer.PageSize + 1;
        int anchors = limit / (KvLayer.PageSize + dilation), count = 0;
        Threshold threshold = new(scores[firstPage..endPage], anchors);
        for (int page = firstPage; page < endPage; page++)
        {
            if (!threshold.Takes(scores[page]))
                continue;

            int from = Math.Max(first, page * KvLayer.PageSize);
            count = AddRange(
                count == 0 ? from : Math.Max(
                    from, chosen[count - 1] + 1), Math.Min(end, (page + 1) * KvLayer.PageSize + dilation), chosen, count);
        }

        return count;
    }

    /// <summary>
    /// Chooses the tokens with the most attention so far, and marks the others with -1: they are never chosen again (H2O).
    /// </summary>
    /// <param name="mass">[context]; candidates below 0 are out already.</param>
    /// <param name="chosen">Receives the positions.</param>
    /// <returns>How many there are.</returns>
    public int ChooseForGood(Span<float> mass, Span<int> chosen)
    {
        if (end <= first)
            return 0;

        Threshold threshold = new(mass[first..end], Math.Min(limit, end - first));
        int count = 0;
        for (int i = first; i < end; i++)
        {
            if (threshold.Takes(mass[i]) && mass[i] >= 0)
                chosen[count++] = i;
            else
                mass[i] = -1;
        }

        return count;
    }

    private static int AddRange(int from, int to, Span<int> chosen, int count)
    {
        for (int token = from; token < to; token++)
            chosen[count++] = token;
        return count;
    }

    // The k-th highest score, found digit by digit (radix select), and how many of those equal to it are still to be taken.
    private ref struct Threshold
    {
        private readonly uint _key;
        private int _ties;

        public Threshold(ReadOnlySpan<float> scores, int count)
        {
            Span<int> bins = stackalloc int[Bins];
            int left = count;
            uint prefix = 0, mask = 0;
            for (int shift = 32 - Bits; ; shift = Math.Max(0, shift - Bits))
            {
                bins.Clear();
                uint digits = ~mask >> shift;
                foreach (float score in scores)
                {
                    uint key = KeyOf(score);
                    if ((key & mask) == prefix)
                        bins[(int)(key >> shift & digits & (Bins - 1))]++;
                }

                int digit = Bins - 1;
                while (digit > 0 && left > bins[digit])
                    left -= bins[digit--];
                prefix |= (uint)digit << shift;
                mask |= (uint)(Bins - 1) << shift;
                if (shift == 0 || left == bins[digit])
                    break; // whatever begins with these digits is taken
            }

            _key = count > 0 ? prefix : uint.MaxValue;
            _ties = count > 0 ? left : 0;
        }

        public bool Takes(float score)
        {
            uint key = KeyOf(score);
            return key > _key || (key == _key && _ties-- > 0);
        }

        // Orders as the numbers do; -0 as 0 and NaN as the lowest. Without branches, which nothing could predict.
        private static uint KeyOf(float score)
        {
            int bits = BitConverter.SingleToInt32Bits(score + 0f);
            uint key = (uint)(bits ^ (bits >> 31 | int.MinValue));
            return float.IsNaN(score) ? 0 : key;
        }
    }
}
