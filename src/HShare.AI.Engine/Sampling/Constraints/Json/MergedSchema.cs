using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>
/// What several schemas without choices say together about a value itself; what they say about its children is asked of them.
/// </summary>
internal sealed class MergedSchema
{
    private readonly IReadOnlyList<SchemaPart> _parts;

    /// <summary>Merges schemas that hold together.</summary>
    public MergedSchema(IReadOnlyList<SchemaPart> parts)
    {
        _parts = parts;
        GivenTypes = ReadGivenTypes();
        Types = ReadTypes();
        Values = ReadValues();
        MinLength = Largest("minLength") ?? 0;
        MaxLength = Smallest("maxLength");
        MinItems = Largest("minItems") ?? 0;
        MaxItems = Smallest("maxItems");
        MinProperties = Largest("minProperties") ?? 0;
        MaxProperties = Smallest("maxProperties");
        Numbers = NumberLimits.Of(parts);
        Patterns = [.. parts.SelectMany(ReadPatterns)];
        if (Numbers.IsWhole)
            Types &= ~JsonTypes.Fraction;
    }

    /// <summary>The types that <c>type</c> leaves to the value.</summary>
    public JsonTypes GivenTypes { get; }

    /// <summary>The types that are written: without <c>type</c> those that the other keywords speak of.</summary>
    public JsonTypes Types { get; }

    /// <summary>The only values it may have, or null where they are not listed.</summary>
    public IReadOnlyList<JsonElement>? Values { get; }

    /// <summary>Characters of a string at least.</summary>
    public int MinLength { get; }

    /// <summary>Characters of a string at most, or null.</summary>
    public int? MaxLength { get; }

    /// <summary>Patterns of a string, all of which must match, each with the schema and the keyword it is from.</summary>
    public IReadOnlyList<(string Pattern, SchemaPart Part, string Keyword)> Patterns { get; }

    /// <summary>Limits of a number.</summary>
    public NumberLimits Numbers { get; }

    /// <summary>Items of an array at least.</summary>
    public int MinItems { get; }

    /// <summary>Items of an array at most, or null.</summary>
    public int? MaxItems { get; }

    /// <summary>Properties of an object at least.</summary>
    public int MinProperties { get; }

    /// <summary>Properties of an object at most, or null.</summary>
    public int? MaxProperties { get; }

    /// <summary>Whether two numbers or other values are the same to JSON.</summary>
    public static bool AreEqual(JsonElement a, JsonElement b) =>
        a.ValueKind == JsonValueKind.Number && b.ValueKind == JsonValueKind.Number
            && a.TryGetDecimal(out decimal x) && b.TryGetDecimal(out decimal y)
            ? x == y
            : JsonElement.DeepEquals(a, b);

    private JsonTypes ReadGivenTypes()
    {
        JsonTypes types = _parts.Any(part => part.Constant == false) ? JsonTypes.None : JsonTypes.Any;
        foreach (SchemaPart part in _parts)
        {
            if (part.Find("type") is { } type)
                types &= ReadTypes(part, type);
        }

        return types;
    }

    private JsonTypes ReadTypes()
    {
        if (_parts.Any(part => part.Find("type") is not null || part.Find("enum") is not null || part.Find("const") is not null))
            return GivenTypes;
        JsonTypes implied = _parts.Aggregate(JsonTypes.None, (all, part) => all | (SchemaKeywords.Implied(part) ?? JsonTypes.None));
        return implied == JsonTypes.None ? GivenTypes : GivenTypes & implied;
    }

    private static JsonTypes ReadTypes(SchemaPart part, JsonElement type)
    {
        JsonTypes types = JsonTypes.None;
        foreach (JsonElement name in type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type])
        {
            types |= JsonTypesReading.Named(name.ValueKind == JsonValueKind.String ? name.GetString() : null)
                ?? throw part.Damaged(
                    "type", $"is {type.GetRawText()}; types are null, boolean, string, integer, number, array and object");
        }

        return types;
    }

    private List<JsonElement>? ReadValues()
    {
        List<JsonElement>? values = null;
        foreach (SchemaPart part in _parts)
        {
            if (part.Find("enum") is { } list)
            {
                if (list.ValueKind != JsonValueKind.Array)
                    throw part.Damaged("enum", "must be a list of values");
                values = values is null ? [.. list.EnumerateArray()] : Common(values, [.. list.EnumerateArray()]);
            }

            if (part.Find("const") is { } value)
                values = values is null ? [value] : Common(values, [value]);
        }

        return values;
    }

    private static List<JsonElement> Common(List<JsonElement> values, JsonElement[] others) =>
        [.. values.Where(value => others.Any(other => AreEqual(value, other)))];

    private static IEnumerable<(string, SchemaPart, string)> ReadPatterns(SchemaPart part)
    {
        if (part.Text("pattern") is { } pattern)
            yield return (pattern, part, "pattern");
        if (StringFormats.PatternOf(part) is { } format)
            yield return (format, part, "format");
    }

    private int? Largest(string keyword) => _parts.Max(part => part.Count(keyword));

    private int? Smallest(string keyword) => _parts.Min(part => part.Count(keyword));
}

/// <summary>Limits of a number.</summary>
/// <param name="Low">The number is at least this, or null.</param>
/// <param name="LowIsOut">Whether it is above that.</param>
/// <param name="High">The number is at most this, or null.</param>
/// <param name="HighIsOut">Whether it is below that.</param>
/// <param name="IsWhole">Whether it has no fraction.</param>
internal sealed record NumberLimits(decimal? Low, bool LowIsOut, decimal? High, bool HighIsOut, bool IsWhole)
{
    /// <summary>Beyond what is written without limits, a limit is none.</summary>
    private const double Unreachable = 1e118;

    /// <summary>Beyond this, limits are not exact.</summary>
    private const decimal Largest = 1e27m;

    /// <summary>Whether there is any.</summary>
    public bool IsLimited => Low is not null || High is not null;

    /// <summary>The limits of several schemas together.</summary>
    public static NumberLimits Of(IReadOnlyList<SchemaPart> parts)
    {
        var limits = new NumberLimits(null, false, null, false, false);
        foreach (SchemaPart part in parts)
        {
            limits = limits
                .Above(Read(part, "minimum"), isOut: false)
                .Above(Read(part, "exclusiveMinimum"), isOut: true)
                .Below(Read(part, "maximum"), isOut: false)
                .Below(Read(part, "exclusiveMaximum"), isOut: true);
            if (StringFormats.LimitsOf(part) is var (low, high))
                limits = limits.Above(low, isOut: false).Below(high, isOut: false) with { IsWhole = true };
            if (part.Find("multipleOf") is { } step)
            {
                if (step.ValueKind != JsonValueKind.Number || !step.TryGetDecimal(out decimal value) || value != 1)
                    throw part.Unsupported("multipleOf", $"is {step.GetRawText()}, and only 1 is enforced. Leave it out");
                limits = limits with { IsWhole = true };
            }
        }

        return limits;
    }

    /// <summary>Whether a number keeps to them.</summary>
    public bool Allow(decimal value) =>
        !(value < Low) && !(LowIsOut && value == Low) && !(value > High) && !(HighIsOut && value == High)
        && !(IsWhole && value != decimal.Truncate(value));

    private NumberLimits Above(decimal? limit, bool isOut) =>
        limit > Low || (limit is not null && Low is null) ? this with { Low = limit, LowIsOut = isOut }
        : limit is not null && limit == Low ? this with { LowIsOut = LowIsOut || isOut }
        : this;

    private NumberLimits Below(decimal? limit, bool isOut) =>
        limit < High || (limit is not null && High is null) ? this with { High = limit, HighIsOut = isOut }
        : limit is not null && limit == High ? this with { HighIsOut = HighIsOut || isOut }
        : this;

    private static decimal? Read(SchemaPart part, string keyword)
    {
        if (part.Find(keyword) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number))
            throw part.Damaged(keyword, "must be a number");
        bool isUpper = keyword.EndsWith("aximum", StringComparison.Ordinal);
        if (isUpper ? number > Unreachable : number < -Unreachable)
            return null;
        if (!value.TryGetDecimal(out decimal exact) || Math.Abs(exact) > Largest || (exact == 0 && number != 0)
            || exact.Scale > DecimalRange.MaxFractionDigits + 8)
        {
            throw part.Unsupported(keyword, $"is {value.GetRawText()}, beyond the numbers that are compared exactly");
        }

        return exact;
    }
}
