namespace HShare.AI.Engine.Sampling.Constraints.Patterns;

/// <summary>A set of Unicode characters (code points without surrogates), as ranges in ascending order that do not touch.</summary>
internal sealed class CharacterSet
{
    private const int LastCharacter = 0x10FFFF;
    private const int FirstSurrogate = 0xD800;
    private const int LastSurrogate = 0xDFFF;

    private CharacterSet(IReadOnlyList<(int Low, int High)> ranges)
    {
        Ranges = ranges;
        Key = string.Join(',', ranges.Select(range => $"{range.Low:x}-{range.High:x}"));
    }

    /// <summary>No character.</summary>
    public static CharacterSet None { get; } = new([]);

    /// <summary>Every character.</summary>
    public static CharacterSet All { get; } = Of((0, LastCharacter));

    /// <summary>The characters that JSON strings hold as they are.</summary>
    public static CharacterSet Unescaped { get; } = Of((0, 0x1F), ('"', '"'), ('\\', '\\')).Complement();

    /// <summary>The ranges.</summary>
    public IReadOnlyList<(int Low, int High)> Ranges { get; }

    /// <summary>A text that is the same for equal sets only.</summary>
    public string Key { get; }

    /// <summary>Whether it holds no character.</summary>
    public bool IsEmpty => Ranges.Count == 0;

    /// <summary>The characters of some ranges, surrogates left out.</summary>
    public static CharacterSet Of(params IEnumerable<(int Low, int High)> ranges)
    {
        List<(int Low, int High)> merged = [];
        foreach ((int low, int high) in ranges.SelectMany(WithoutSurrogates).Order())
        {
            if (merged.Count > 0 && low <= merged[^1].High + 1)
                merged[^1] = (merged[^1].Low, Math.Max(merged[^1].High, high));
            else
                merged.Add((low, high));
        }

        return new CharacterSet(merged);
    }

    /// <summary>The characters of a text.</summary>
    public static CharacterSet Of(string text) => Of(text.EnumerateRunes().Select(rune => (rune.Value, rune.Value)));

    /// <summary>All others.</summary>
    public CharacterSet Complement()
    {
        List<(int, int)> gaps = [];
        int next = 0;
        foreach ((int low, int high) in Ranges)
        {
            gaps.Add((next, low - 1));
            next = high + 1;
        }

        gaps.Add((next, LastCharacter));
        return Of(gaps);
    }

    /// <summary>The characters of either.</summary>
    public CharacterSet Union(CharacterSet other) => Of(Ranges.Concat(other.Ranges));

    /// <summary>The characters of both.</summary>
    public CharacterSet Intersect(CharacterSet other)
    {
        if (ReferenceEquals(this, All) || ReferenceEquals(other, All))
            return ReferenceEquals(this, All) ? other : this;

        List<(int, int)> common = [];
        for (int i = 0, j = 0; i < Ranges.Count && j < other.Ranges.Count;)
        {
            common.Add((Math.Max(Ranges[i].Low, other.Ranges[j].Low), Math.Min(Ranges[i].High, other.Ranges[j].High)));
            if (Ranges[i].High < other.Ranges[j].High)
                i++;
            else
                j++;
        }

        return Of(common);
    }

    /// <summary>Whether it holds a character.</summary>
    public bool Contains(int character) => Ranges.Any(range => range.Low <= character && character <= range.High);

    private static IEnumerable<(int Low, int High)> WithoutSurrogates((int Low, int High) range)
    {
        if (range.Low <= Math.Min(range.High, FirstSurrogate - 1))
            yield return (range.Low, Math.Min(range.High, FirstSurrogate - 1));
        if (Math.Max(range.Low, LastSurrogate + 1) <= range.High)
            yield return (Math.Max(range.Low, LastSurrogate + 1), range.High);
    }
}
