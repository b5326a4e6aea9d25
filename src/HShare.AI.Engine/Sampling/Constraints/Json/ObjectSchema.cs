using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>What several schemas without choices say together about the properties of an object.</summary>
internal sealed class ObjectSchema
{
    private readonly IReadOnlyList<SchemaPart> _parts;
    private readonly Dictionary<string, SchemaPart>[] _declared; // [parts], by name

    /// <summary>Reads schemas that hold together.</summary>
    public ObjectSchema(IReadOnlyList<SchemaPart> parts)
    {
        _parts = parts;
        _declared = [.. parts.Select(part => part.NamedChildren("properties").DistinctBy(child => child.Name).ToDictionary(
            child => child.Name, child => child.Schema, StringComparer.Ordinal))];
        Required = parts.SelectMany(ReadRequired).ToHashSet(StringComparer.Ordinal);
        List<string> names = [.. parts.SelectMany(part => part.NamedChildren("properties")).Select(child => child.Name).Distinct()];
        names.AddRange(Required.Where(name => !names.Contains(name)));
        Names = names;
        IsOpen = ReadIsOpen();
    }

    /// <summary>The properties in the order in which they are written: as declared, then those that are only required.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Those that must be there.</summary>
    public IReadOnlySet<string> Required { get; }

    /// <summary>
    /// Whether properties with other names are written. A schema that declares properties and says nothing of others would allow them, but
    /// nobody asked for them.
    /// </summary>
    public bool IsOpen { get; }

    /// <summary>The schemas that hold together for a property.</summary>
    public IReadOnlyList<SchemaPart> SchemasOf(string name)
    {
        List<SchemaPart> schemas = [];
        for (int i = 0; i < _parts.Count; i++)
        {
            SchemaPart? schema = _declared[i].GetValueOrDefault(name) ?? _parts[i].Child("additionalProperties");
            if (schema is not null)
                schemas.Add(schema);
        }

        return schemas;
    }

    /// <summary>The schemas that hold together for properties with other names.</summary>
    public IReadOnlyList<SchemaPart> SchemasOfOthers() =>
        [.. _parts.Select(part => part.Child("additionalProperties")).OfType<SchemaPart>()];

    /// <summary>Whether a value of the schema may have a property, written here or not.</summary>
    public bool Allows(string name)
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            if (!_declared[i].ContainsKey(name) && _parts[i].Child("additionalProperties")?.Constant == false)
                return false;
        }

        return true;
    }

    private bool ReadIsOpen()
    {
        bool areDeclared = false, areAskedFor = false;
        foreach (SchemaPart part in _parts)
        {
            SchemaPart? others = part.Child("additionalProperties"), rest = part.Child("unevaluatedProperties");
            if (rest is { Constant: null })
                throw part.Unsupported("unevaluatedProperties", "is a schema, and only true and false are enforced");
            if (others?.Constant == false || rest?.Constant == false)
                return false;
            areDeclared |= part.Find("properties") is not null;
            areAskedFor |= others is not null || rest is not null;
        }

        return areAskedFor || !areDeclared;
    }

    private static IEnumerable<string> ReadRequired(SchemaPart part)
    {
        if (part.Find("required") is not { } list)
            return [];
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
            throw part.Damaged("required", "must be a list of names");
        return list.EnumerateArray().Select(name => name.GetString()!);
    }
}
