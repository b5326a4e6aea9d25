using HShare.AI.ChatTemplates.Jinja.Runtime;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Filters that take a sequence as a whole.</summary>
internal static class SequenceFilters
{
    public static Value Length(Value input) => input.Length is { } length
        ? new Integer(length)
        : throw new EvaluationException($"a value of type '{input.TypeName}' has no length");

    public static Value First(Value input) => Selections.Elements(input).FirstOrDefault() ?? new Undefined("the sequence is empty");

    public static Value Last(Value input) => input is Generator
        ? throw new EvaluationException("a generator has no last item; put '| list' before '| last'")
        : Selections.Elements(input).LastOrDefault() ?? new Undefined("the sequence is empty");

    public static Value List(Value input) => new Sequence([.. Selections.Elements(input)]);

    public static Value Reverse(Value input)
    {
        IEnumerable<Value> reversed = Selections.Elements(input).Reverse();
        return input is Text ? StringMethods.Join(Text.Empty, reversed.Cast<Text>()) : new Generator(reversed);
    }

    /// <summary>The pairs of a dictionary.</summary>
    public static Value Items(Value input) => input switch
    {
        Dictionary dictionary => new Generator(dictionary.Entries.Select(DictionaryMethods.Pair)),
        Undefined => new Generator([]),
        _ => throw new EvaluationException($"'items' needs a dictionary, not a value of type '{input.TypeName}'"),
    };

    public static Value Join(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("d", "attribute");
        IEnumerable<Value> items = Selections.Elements(input);
        if (bound[1] is { } attribute and not None)
            items = items.Select(Selections.AttributeGetter(attribute));
        return StringMethods.Join(bound[0]?.ToText() ?? Text.Empty, items.Select(item => item.ToText()));
    }

    public static Value Sum(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("attribute", "start");
        IEnumerable<Value> items = Selections.Elements(input);
        if (bound[0] is { } attribute and not None)
            items = items.Select(Selections.AttributeGetter(attribute));
        return items.Aggregate(bound[1] ?? new Integer(0), (sum, item) => Operators.Binary("+", sum, item));
    }

    public static Value Sort(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("reverse", "case_sensitive", "attribute");
        Func<Value, Value> key = SortKey(bound[2], caseSensitive: bound.Flag(1, otherwise: false));
        return new Sequence(Operators.Sort(Selections.Elements(input), key, descending: bound.Flag(0, otherwise: false)));
    }

    public static Value DictSort(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("case_sensitive", "by", "reverse");
        if (input is not Dictionary dictionary)
            throw new EvaluationException($"'dictsort' needs a dictionary, not a value of type '{input.TypeName}'");
        Value position = bound.Text(1)?.Content switch
        {
            null or "key" => new Integer(0),
            "value" => new Integer(1),
            _ => throw bound.Mismatch(1, "'key' or 'value'"),
        };
        Func<Value, Value> key = SortKey(position, caseSensitive: bound.Flag(0, otherwise: false));
        return new Sequence(
            Operators.Sort(dictionary.Entries.Select(DictionaryMethods.Pair), key, descending: bound.Flag(2, otherwise: false)));
    }

    public static Value Unique(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("case_sensitive", "attribute");
        return new Generator(Selections.Elements(input).DistinctBy(SortKey(bound[1], caseSensitive: bound.Flag(0, otherwise: false))));
    }

    /// <summary>Pairs of an attribute's value and the items that have it, in the values' order.</summary>
    public static Value GroupBy(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("attribute", "default", "case_sensitive");
        Func<Value, Value> value = Selections.AttributeGetter(bound.Require(0), bound[1]);
        Func<Value, Value> key = item => bound.Flag(2, otherwise: false) ? value(item) : IgnoreCase(value(item));
        return new Sequence([.. Operators.Sort(Selections.Elements(input), key)
            .GroupBy(key)
            .Select(group => new Sequence([value(group.First()), new Sequence([.. group])], SequenceKind.Tuple))]);
    }

    /// <summary>The smallest (<paramref name="sign"/> -1) or greatest (1) item; the first of equals.</summary>
    public static Value Extreme(Value input, CallArguments arguments, int sign)
    {
        BoundArguments bound = arguments.Bind("case_sensitive", "attribute");
        Func<Value, Value> key = SortKey(bound[1], caseSensitive: bound.Flag(0, otherwise: false));
        Value? extreme = null;
        foreach (Value item in Selections.Elements(input))
        {
            if (extreme is null || Operators.Order("<", key(item), key(extreme)) * sign > 0)
                extreme = item;
        }

        return extreme ?? new Undefined("the sequence is empty");
    }

    private static Func<Value, Value> SortKey(Value? attribute, bool caseSensitive)
    {
        Func<Value, Value> key = attribute is null or None ? item => item : Selections.AttributeGetter(attribute);
        return caseSensitive ? key : item => IgnoreCase(key(item));
    }

    private static Value IgnoreCase(Value value) => value is Text text ? Letters.Lower(text) : value;
}
