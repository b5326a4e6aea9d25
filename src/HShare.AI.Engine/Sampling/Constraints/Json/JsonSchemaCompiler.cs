using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>
/// Turns a JSON schema into states and edges. Objects and arrays become rules, each made once, so that schemas may be recursive.
/// </summary>
internal sealed class JsonSchemaCompiler
{
    private readonly GrammarBuilder _builder;
    private readonly JsonRules _json;
    private readonly SchemaPart _root;
    private readonly SchemaExpansion _expansion;
    private readonly StringSchemaCompiler _strings;
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal); // first states by kind and paths
    private readonly Queue<Action> _open = new(); // rules that are called and not made yet; so deep schemas need no deep stack

    /// <summary>A compiler of one schema.</summary>
    /// <param name="builder">Where states and edges go.</param>
    /// <param name="json">The shared parts of JSON.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="name">What messages call it.</param>
    public JsonSchemaCompiler(GrammarBuilder builder, JsonRules json, JsonElement schema, string name)
    {
        (_builder, _json, Name) = (builder, json, name);
        _root = new SchemaPart(schema, "#", name);
        _expansion = new SchemaExpansion(new SchemaReferences(_root));
        _strings = new StringSchemaCompiler(json);
    }

    /// <summary>What messages call the schema.</summary>
    public string Name { get; }

    /// <summary>The first place that nothing satisfies, or null; it matters only where that is of the whole schema.</summary>
    public string? Contradiction { get; private set; }

    /// <summary>Adds ways that take a value of the schema.</summary>
    /// <exception cref="NotSupportedException">The schema says something that is not enforced, or is too large.</exception>
    /// <exception cref="ArgumentException">The schema is damaged.</exception>
    public void Emit(int from, int to)
    {
        try
        {
            Emit(from, to, [_root]);
            while (_open.TryDequeue(out Action? make))
                make();
        }
        catch (InvalidOperationException error) when (error is not ObjectDisposedException)
        {
            // What the reader of JSON throws at half a surrogate pair, and only there.
            throw new ArgumentException($"{Name} is damaged: it holds a text that is no Unicode. {error.Message}", error);
        }
        catch (GrammarSizeException)
        {
            throw new NotSupportedException(
                $"{Name} cannot be enforced: it is too large, for it needs more than {GrammarBuilder.MaxStates:N0} states. Lower the "
                + "limits of long strings and arrays ('maxLength', 'maxItems', quantifiers of 'pattern'), or split it.");
        }
    }

    private void Emit(int from, int to, IEnumerable<SchemaPart> schemas)
    {
        foreach (IReadOnlyList<SchemaPart> parts in _expansion.Alternatives(schemas))
            EmitMerged(from, to, parts);
    }

    private void EmitMerged(int from, int to, IReadOnlyList<SchemaPart> parts)
    {
        var schema = new MergedSchema(parts);
        if (schema.Types == JsonTypes.None)
            Note(parts, "no type is left");
        if (schema.Values is { } values)
        {
            EmitValues(from, to, parts, schema, values);
            return;
        }

        if (schema.Types.HasFlag(JsonTypes.Null))
            _builder.AddText(from, to, "null");
        if (schema.Types.HasFlag(JsonTypes.Boolean))
            _builder.AddTexts(from, to, ["true", "false"]);
        if (schema.Types.HasFlag(JsonTypes.String))
        {
            if (schema.MaxLength < schema.MinLength)
                Note(parts, $"'minLength' {schema.MinLength} is above 'maxLength' {schema.MaxLength}");
            else
                _strings.Emit(from, to, schema);
        }

        if ((schema.Types & JsonTypes.Number) != JsonTypes.None)
            EmitNumber(from, to, parts, schema);
        if (schema.Types.HasFlag(JsonTypes.Object))
            Call(from, to, "{", parts, (begin, end) => EmitObject(begin, end, parts, schema));
        if (schema.Types.HasFlag(JsonTypes.Array))
            Call(from, to, "[", parts, (begin, end) => EmitArray(begin, end, parts, schema));
    }

    private void EmitValues(int from, int to, IReadOnlyList<SchemaPart> parts, MergedSchema schema, IReadOnlyList<JsonElement> values)
    {
        List<JsonElement> left =
            [.. values.Where(value => schema.Types.HasFlag(JsonTypesReading.Of(value)) && Satisfies(value, parts, schema))];
        if (left.Count == 0)
            Note(parts, "none of the listed values satisfies the rest");
        _builder.AddTexts(from, to, left.Select(JsonText.Of));
    }

    private bool Satisfies(JsonElement value, IReadOnlyList<SchemaPart> parts, MergedSchema schema)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return _strings.Satisfies(value.GetString()!, schema);
            case JsonValueKind.Number when schema.Numbers.IsLimited:
                return value.TryGetDecimal(out decimal number) && schema.Numbers.Allow(number);
            case JsonValueKind.Array or JsonValueKind.Object:
                foreach (SchemaPart part in parts)
                {
                    if (SchemaKeywords.Implied(part) is { } types && types.HasFlag(JsonTypesReading.Of(value)))
                    {
                        throw part.Unsupported(
                            "enum", "or 'const' lists arrays or objects, with keywords for their items beside it. Leave those out");
                    }
                }

                return true;
            default:
                return true;
        }
    }

    private void EmitNumber(int from, int to, IReadOnlyList<SchemaPart> parts, MergedSchema schema)
    {
        NumberLimits limits = schema.Numbers;
        bool isInteger = !schema.Types.HasFlag(JsonTypes.Fraction);
        if (!limits.IsLimited)
        {
            if (isInteger)
                _json.AddInteger(from, to);
            else
                _json.AddNumber(from, to);
            return;
        }

        decimal unlimited = 1m;
        for (int i = 0; i < JsonRules.MaxIntegerDigits; i++)
            unlimited *= 10;
        decimal low = limits.Low ?? Math.Min(-unlimited + 1, limits.High!.Value - unlimited);
        decimal high = limits.High ?? Math.Max(unlimited - 1, low + unlimited);
        (bool lowIsOut, bool highIsOut) = (limits.LowIsOut, limits.HighIsOut);
        if (isInteger)
        {
            low = lowIsOut ? decimal.Floor(low) + 1 : decimal.Ceiling(low);
            high = highIsOut ? decimal.Ceiling(high) - 1 : decimal.Floor(high);
            (lowIsOut, highIsOut) = (false, false);
        }

        if (low > high || (low == high && (lowIsOut || highIsOut)))
            Note(parts, $"no {(isInteger ? "integer" : "number")} lies between the limits");
        else
            new DecimalRange(low, lowIsOut, high, highIsOut, isInteger ? 0 : DecimalRange.LimitedFractionDigits).Emit(_builder, from, to);
    }

    /// <summary>
    /// Adds an object. Its properties come in the order of the schema, optional ones or not, and others behind them; states count the
    /// properties so far as far as that matters: none or some, or up to the limits.
    /// </summary>
    private void EmitObject(int from, int to, IReadOnlyList<SchemaPart> parts, MergedSchema schema)
    {
        var properties = new ObjectSchema(parts);
        int least = schema.MinProperties, most = schema.MaxProperties ?? int.MaxValue;
        if (least > Math.Max(1, properties.Required.Count) && properties.IsOpen)
        {
            throw parts.First(part => part.Find("minProperties") is not null).Unsupported(
                "minProperties", $"is {least}, and properties with free names are not told apart. List their names, or lower it");
        }

        if (least > most || properties.Required.Count > most)
            Note(parts, $"'maxProperties' {most} is below what must be there");
        bool isLimited = properties.IsOpen || properties.Names.Count > most;
        var rows = new CountedStates(_builder, Math.Max(1, least), isLimited ? schema.MaxProperties : null);
        rows.Begin(from, '{');
        foreach (string name in properties.Names)
        {
            int[] entries = rows.Separate(_json);
            rows.Advance(isOptional: !properties.Required.Contains(name));
            for (int count = 1; count < entries.Length; count++)
                EmitProperty(entries[count], rows.States[count], JsonText.Of(name), properties.SchemasOf(name));
        }

        if (properties.IsOpen)
            EmitSame(rows.Separate(_json), rows, 1, (begin, end) => EmitOther(begin, end, properties));
        rows.End(to, '}', least);
    }

    private void EmitProperty(int from, int to, string key, IReadOnlyList<SchemaPart> schemas)
    {
        int behindKey = _builder.AddState(), value = _builder.AddState();
        _builder.AddText(from, behindKey, key);
        _json.AddColon(behindKey, value);
        Emit(value, to, schemas);
    }

    private void EmitOther(int from, int to, ObjectSchema properties)
    {
        int behindKey = _builder.AddState(), value = _builder.AddState();
        _json.AddOtherKey(from, behindKey, properties.Names);
        _json.AddColon(behindKey, value);
        Emit(value, to, properties.SchemasOfOthers());
    }

    private void EmitArray(int from, int to, IReadOnlyList<SchemaPart> parts, MergedSchema schema)
    {
        IReadOnlyList<SchemaPart>[] prefixes = [.. parts.Select(part => part.Children("prefixItems"))];
        int? most = schema.MaxItems;
        if (parts.FirstOrDefault(part => part.Flag("uniqueItems")) is { } unique && !(most <= 1))
            throw unique.Unsupported("uniqueItems", "is true, and items are not compared with each other. Leave it out");
        if (parts.FirstOrDefault(part => part.Find("items")?.ValueKind == JsonValueKind.Array) is { } old)
            throw old.Unsupported("items", "is a list; use 'prefixItems'");
        if (schema.MinItems > (most ?? int.MaxValue))
            Note(parts, $"'minItems' {schema.MinItems} is above 'maxItems' {most}");

        int special = prefixes.Length == 0 ? 0 : prefixes.Max(prefix => prefix.Count);
        int enough = Math.Max(special + 1, schema.MinItems);
        var rows = new CountedStates(_builder, enough, most);
        rows.Begin(from, '[');
        int[] entries = rows.Separate(_json);
        for (int count = 1; count <= special && count < entries.Length; count++)
            Emit(entries[count], rows.States[count], ItemSchemas(parts, prefixes, count - 1));
        EmitSame(entries, rows, special + 1, (begin, end) => Emit(begin, end, ItemSchemas(parts, prefixes, special)));

        _json.MarkEquivalents(rows.States, Math.Min(special + 1, rows.States.Length - 1), schema.MinItems, most);
        rows.End(to, ']', schema.MinItems);
    }

    /// <summary>
    /// Adds the same element at each count from some on: as a rule, unless it is one place, where that would only nest deeper.
    /// </summary>
    private void EmitSame(int[] entries, CountedStates rows, int first, Action<int, int> emit)
    {
        if (first == entries.Length - 1)
            emit(entries[first], rows.States[first]);
        if (first >= entries.Length - 1)
            return;

        (int rule, int end) = _builder.AddRule();
        emit(rule, end);
        for (int count = first; count < entries.Length; count++)
            _builder.AddCall(entries[count], rows.States[count], rule);
    }

    private static IEnumerable<SchemaPart> ItemSchemas(IReadOnlyList<SchemaPart> parts, IReadOnlyList<SchemaPart>[] prefixes, int index)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            if (index < prefixes[i].Count)
                yield return prefixes[i][index];
            else if (parts[i].Child("items") is { } items)
                yield return items;
        }
    }

    private void Call(int from, int to, string kind, IReadOnlyList<SchemaPart> parts, Action<int, int> make)
    {
        string key = kind + string.Join(' ', parts.Select(part => part.Path).Order(StringComparer.Ordinal));
        if (!_rules.TryGetValue(key, out int rule))
        {
            (rule, int end) = _builder.AddRule();
            _rules.Add(key, rule);
            int begin = rule;
            _open.Enqueue(() => make(begin, end));
        }

        _builder.AddCall(from, to, rule);
    }

    private void Note(IReadOnlyList<SchemaPart> parts, string reason) => Contradiction ??= $"at {parts[^1].Path} {reason}.";
}
