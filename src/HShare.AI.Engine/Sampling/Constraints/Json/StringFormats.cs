using System.Globalization;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>The values of <c>format</c> that are enforced, as patterns of what is written: a part of what each format allows.</summary>
internal static class StringFormats
{
    // Every day there is, from year 1000 to 9999.
    private const string Date =
        @"([1-9]\d{3}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))"
        + @"|([1-9]\d(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)";

    private const string Time = @"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,7})?";
    private const string Label = "[A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?";
    private const string Octet = @"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";

    private static readonly Dictionary<string, string> Patterns = new()
    {
        ["date"] = $"^{Date}$",
        ["time"] = $"^{Time}$",
        ["date-time"] = $"^{Date}T{Time}(Z|[+-](0\\d|1[0-3]):[0-5]\\d)$",
        ["uuid"] = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        ["email"] = $"^[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@{Label}(\\.{Label})+$",
        ["uri"] = $"^https?://{Label}(\\.{Label})*(/[A-Za-z0-9._~/-]*)?(\\?[A-Za-z0-9._~=&-]*)?$",
        ["ipv4"] = $"^{Octet}(\\.{Octet}){{3}}$",
    };

    private static readonly Dictionary<string, (decimal Low, decimal High)?> Numbers = new()
    {
        ["int32"] = (int.MinValue, int.MaxValue),
        ["int64"] = (long.MinValue, long.MaxValue),
        ["float"] = null,
        ["double"] = null,
        ["decimal"] = null,
    };

    /// <summary>Whether the format of a schema is one of numbers.</summary>
    public static bool IsOfNumbers(SchemaPart part) => part.Text("format") is { } format && Numbers.ContainsKey(format);

    /// <summary>The pattern of a schema's format, or null where it has none, or one of numbers.</summary>
    /// <exception cref="NotSupportedException">The format is not enforced.</exception>
    public static string? PatternOf(SchemaPart part)
    {
        if (part.Text("format") is not { } format || IsOfNumbers(part))
            return null;
        return Patterns.TryGetValue(format, out string? pattern)
            ? pattern
            : throw part.Unsupported("format", string.Create(CultureInfo.InvariantCulture,
                $"is '{format}', and this version enforces {string.Join(", ", Patterns.Keys)}. Leave it out or use 'pattern'"));
    }

    /// <summary>The limits of a schema's format of numbers, or null.</summary>
    public static (decimal Low, decimal High)? LimitsOf(SchemaPart part) =>
        IsOfNumbers(part) ? Numbers[part.Text("format")!] : null;
}
