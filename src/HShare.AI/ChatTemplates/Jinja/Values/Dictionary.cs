namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>dict</c>: keeps the order of its keys.</summary>
internal sealed class Dictionary : Value
{
    private readonly OrderedDictionary<Value, Value> _entries = [];

    public IReadOnlyList<KeyValuePair<Value, Value>> Entries => _entries;

    public override string TypeName => "dict";

    public override bool IsTrue => _entries.Count > 0;

    public override int? Length => _entries.Count;

    public override IEnumerable<Value> Elements => _entries.Keys;

    public Value this[Value key]
    {
        set
        {
            if (key is Dictionary or Sequence { Kind: not SequenceKind.Tuple })
                throw new EvaluationException($"a value of type '{key.TypeName}' cannot be a key of a dictionary");
            _entries[key] = value;
        }
    }

    public override Value? FindItem(Value key) => _entries.TryGetValue(key, out Value? value) ? value : null;

    public override Value? FindAttribute(string name) => Library.DictionaryMethods.Find(this, name);

    public override void Write(TextBuilder output)
    {
        Limits.CheckNesting();
        output.Append("{");
        for (int i = 0; i < _entries.Count; i++)
        {
            if (i > 0)
                output.Append(", ");
            (Value key, Value value) = _entries.GetAt(i);
            key.WriteQuoted(output);
            output.Append(": ");
            value.WriteQuoted(output);
        }

        output.Append("}");
    }

    public override bool Equals(object? obj)
    {
        Limits.CheckNesting();
        return obj is Dictionary other && _entries.Count == other._entries.Count
            && _entries.All(entry => other._entries.TryGetValue(entry.Key, out Value? value) && entry.Value.Equals(value));
    }

    public override int GetHashCode() => _entries.Count;
}
