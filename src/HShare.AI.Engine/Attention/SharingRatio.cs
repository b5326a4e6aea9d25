using System.Globalization;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// Which fraction of some layers, heads or steps select tokens for themselves: above 0 and at most 1, kept in lowest terms.
/// </summary>
public sealed record SharingRatio
{
    /// <summary>A fraction.</summary>
    /// <param name="numerator">At least 1 and at most the denominator.</param>
    /// <param name="denominator">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0 and at most 1.</exception>
    public SharingRatio(int numerator, int denominator)
    {
        if (numerator < 1 || denominator < numerator)
        {
            throw new ArgumentOutOfRangeException(
                nameof(numerator), $"A sharing ratio lies above 0 and at most at 1, but this is {numerator}/{denominator}.");
        }

        int divisor = GreatestCommonDivisor(numerator, denominator);
        Numerator = numerator / divisor;
        Denominator = denominator / divisor;
    }

    /// <summary>Nothing is shared.</summary>
    public static SharingRatio One { get; } = new(1, 1);

    /// <summary>Upper part of the fraction in lowest terms.</summary>
    public int Numerator { get; }

    /// <summary>Lower part of the fraction in lowest terms.</summary>
    public int Denominator { get; }

    /// <summary>Reads "1", "1/2", "3/4" and the like.</summary>
    /// <exception cref="ArgumentException">The text is no fraction above 0 and at most 1; the message quotes it.</exception>
    public static SharingRatio Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Contains('/') ? text.Split('/') : [text, "1"];
        if (parts.Length != 2 || !TryParsePart(parts[0], out int numerator) || !TryParsePart(parts[1], out int denominator))
            throw new ArgumentException($"'{text}' is no sharing ratio. Write 1 or a fraction such as 3/4.", nameof(text));
        if (numerator < 1 || denominator < numerator)
            throw new ArgumentException($"The sharing ratio '{text}' has to lie above 0 and at most at 1.", nameof(text));
        return new SharingRatio(numerator, denominator);
    }

    /// <summary>How many of some things select for themselves: rounded up, so that never more is shared than the ratio says.</summary>
    /// <param name="count">How many there are; at least 1.</param>
    public int Of(int count) => (int)(((long)count * Numerator + Denominator - 1) / Denominator);

    /// <inheritdoc/>
    public override string ToString() => Denominator == 1
        ? Numerator.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Numerator}/{Denominator}");

    private static bool TryParsePart(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static int GreatestCommonDivisor(int a, int b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);
}
