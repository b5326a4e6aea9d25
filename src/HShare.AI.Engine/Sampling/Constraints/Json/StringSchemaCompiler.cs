using HShare.AI.Engine.Sampling.Constraints.Patterns;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>Strings with lengths, patterns and formats.</summary>
internal sealed class StringSchemaCompiler(JsonRules json)
{
    private readonly Dictionary<string, CharacterAutomaton> _patterns = new(StringComparer.Ordinal);

    /// <summary>Adds ways that take the strings of a schema.</summary>
    public void Emit(int from, int to, MergedSchema schema)
    {
        bool isAnyLength = schema is { MinLength: 0, MaxLength: null };
        if (schema.Patterns.Count == 0)
        {
            if (isAnyLength)
                json.AddString(from, to);
            else
                json.AddString(from, to, schema.MinLength, schema.MaxLength);
            return;
        }

        CharacterAutomaton strings = AutomatonOf(schema.Patterns[0]);
        foreach ((string, SchemaPart, string) pattern in schema.Patterns.Skip(1))
            strings = strings.Intersect(AutomatonOf(pattern));
        if (!isAnyLength)
            strings = strings.Intersect(CharacterAutomaton.OfLength(schema.MinLength, schema.MaxLength));
        json.AddString(from, to, strings);
    }

    /// <summary>Whether a string keeps to a schema.</summary>
    public bool Satisfies(string text, MergedSchema schema)
    {
        int length = text.EnumerateRunes().Count();
        return length >= schema.MinLength && !(length > schema.MaxLength)
            && schema.Patterns.All(pattern => AutomatonOf(pattern).Matches(text));
    }

    private CharacterAutomaton AutomatonOf((string Pattern, SchemaPart Part, string Keyword) source)
    {
        if (_patterns.TryGetValue(source.Pattern, out CharacterAutomaton? known))
            return known;
        try
        {
            return _patterns[source.Pattern] = PatternParser.Parse(source.Pattern);
        }
        catch (NotSupportedException error)
        {
            throw source.Part.Unsupported(source.Keyword, $"('{source.Pattern}') {error.Message}");
        }
        catch (FormatException error)
        {
            throw source.Part.Damaged(source.Keyword, $"('{source.Pattern}') {error.Message}");
        }
    }
}
