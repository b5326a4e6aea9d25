using System.Globalization;

namespace HShare.Cli.Bench.Gpu;

/// <summary>The heads of an attention layer.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key/value heads; <paramref name="Heads"/> is a multiple.</param>
/// <param name="HeadDim">Elements of a head.</param>
internal sealed record HeadGeometry(int Heads, int KvHeads, int HeadDim)
{
    private const int UsualHeadDim = 128;

    /// <summary>Reads 32/8 or 32/8x128: query heads, key/value heads, and elements of a head [128].</summary>
    /// <returns>The heads, or null where the text says nothing of the kind.</returns>
    public static HeadGeometry? Parse(string text)
    {
        string[] parts = text.Split('x', '/');
        if (!text.Contains('/') || parts.Length is < 2 or > 3)
            return null;

        int[] numbers = [.. parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0)];
        HeadGeometry heads = new(numbers[0], numbers[1], numbers.Length > 2 ? numbers[2] : UsualHeadDim);
        return numbers.All(number => number > 0) && heads.Heads % heads.KvHeads == 0 ? heads : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Heads}/{KvHeads}x{HeadDim}";
}
