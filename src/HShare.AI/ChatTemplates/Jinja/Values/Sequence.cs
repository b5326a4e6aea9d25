namespace HShare.AI.ChatTemplates.Jinja.Values;

internal enum SequenceKind
{
    List,
    Tuple,
    DictKeys,
    DictValues,
    DictItems,
}

/// <summary>Python's lists, tuples and views of dictionaries.</summary>
internal sealed class Sequence(IReadOnlyList<Value> items, SequenceKind kind = SequenceKind.List) : Value
{
    public IReadOnlyList<Value> Items { get; } = items;

    public SequenceKind Kind { get; } = kind;

    public override string TypeName => Kind switch
    {
        SequenceKind.List => "list",
        SequenceKind.Tuple => "tuple",
        SequenceKind.DictKeys => "dict_keys",
        SequenceKind.DictValues => "dict_values",
        _ => "dict_items",
    };

    public override bool IsTrue => Items.Count > 0;

    public override int? Length => Items.Count;

    public override IEnumerable<Value> Elements => Items;

    public bool IsView => Kind is not (SequenceKind.List or SequenceKind.Tuple);

    public override Value? FindItem(Value key) => !IsView && Number.TryIndex(key, Items.Count, out int index) ? Items[index] : null;

    public override Value? FindAttribute(string name) => IsView ? null : Library.SequenceMethods.Find(this, name);

    public override void Write(TextBuilder output)
    {
        Limits.CheckNesting();
        if (IsView)
            output.Append(TypeName).Append("(");
        output.Append(Kind == SequenceKind.Tuple ? "(" : "[");
        for (int i = 0; i < Items.Count; i++)
        {
            if (i > 0)
                output.Append(", ");
            Items[i].WriteQuoted(output);
        }

        output.Append(Kind == SequenceKind.Tuple ? Items.Count == 1 ? ",)" : ")" : "]");
        if (IsView)
            output.Append(")");
    }

    public override bool Equals(object? obj)
    {
        Limits.CheckNesting();
        return obj is Sequence other && Kind == other.Kind && Items.SequenceEqual(other.Items);
    }

    public override int GetHashCode() => HashCode.Combine(Kind, Items.Count);
}
