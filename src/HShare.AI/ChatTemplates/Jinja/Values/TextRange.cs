namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Characters from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
internal readonly record struct TextRange(int Start, int End)
{
    /// <summary>The parts of ascending ranges that lie in a window, counted from the window's start.</summary>
    public static TextRange[] Slice(ReadOnlySpan<TextRange> ranges, int start, int length)
    {
        int end = start + length;
        int first = 0;
        while (first < ranges.Length && ranges[first].End <= start)
            first++;
        int last = first;
        while (last < ranges.Length && ranges[last].Start < end)
            last++;
        if (first == last || length == 0)
            return [];
        TextRange[] slice = new TextRange[last - first];
        for (int i = 0; i < slice.Length; i++)
        {
            TextRange range = ranges[first + i];
            slice[i] = new TextRange(Math.Max(range.Start, start) - start, Math.Min(range.End, end) - start);
        }

        return slice;
    }

    /// <summary>Whether one of the ascending ranges has a character between <paramref name="start"/> and <paramref name="end"/>.</summary>
    public static bool AnyOverlaps(ReadOnlySpan<TextRange> ranges, int start, int end)
    {
        int low = 0, high = ranges.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ranges[middle].End <= start)
                low = middle + 1;
            else
                high = middle;
        }

        return low < ranges.Length && ranges[low].Start < end;
    }
}
