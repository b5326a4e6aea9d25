using System.Globalization;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Filters that go over a sequence on demand: <c>map</c>, <c>select</c>, <c>selectattr</c> and their opposites.</summary>
internal static class Selections
{
    /// <summary>Each item's attribute (<c>map(attribute='x')</c>), or each item through a filter (<c>map('upper')</c>).</summary>
    public static Value Map(Value input, CallArguments arguments)
    {
        IEnumerable<Value> items = ElementsIfTrue(input);
        if (arguments.Positional.Count > 0)
        {
            string filter = Name(arguments);
            CallArguments rest = arguments.Skip(1) with { Callee = $"the filter '{filter}'" };
            return new Generator(items.Select(item => Filters.Apply(filter, item, rest)));
        }

        BoundArguments bound = arguments.Bind("attribute", "default");
        return new Generator(items.Select(AttributeGetter(bound.Require(0), bound[1])));
    }

    /// <summary>The items that pass a test, or, without one, that are true.</summary>
    public static Value Select(Value input, CallArguments arguments, bool keep)
    {
        Func<Value, bool> passes = Test(arguments);
        return new Generator(ElementsIfTrue(input).Where(item => passes(item) == keep));
    }

    /// <summary>The items whose attribute passes a test, or, without one, is true.</summary>
    public static Value SelectByAttribute(Value input, CallArguments arguments, bool keep)
    {
        if (arguments.Positional.Count == 0)
            throw new EvaluationException($"{arguments.Callee} needs the name of an attribute");
        Func<Value, Value> attribute = AttributeGetter(arguments.Positional[0]);
        Func<Value, bool> passes = Test(arguments.Skip(1));
        return new Generator(ElementsIfTrue(input).Where(item => passes(attribute(item)) == keep));
    }

    /// <summary>
    /// Reads an attribute by a path such as <c>function.name</c> or <c>0.type</c>; where a part of the path is missing, the default
    /// stands for it.
    /// </summary>
    public static Func<Value, Value> AttributeGetter(Value path, Value? otherwise = null)
    {
        Value[] keys = path is Text text ? [.. text.Content.Split('.').Select(Key)] : [path];
        return item => keys.Aggregate(item, (value, key) => value is Undefined undefined
            ? throw undefined.Error()
            : value.FindItem(key)
                ?? (key is Text name ? value.FindAttribute(name.Content) : null)
                ?? (otherwise is null or None ? null : otherwise)
                ?? new Undefined($"a value of type '{value.TypeName}' has no attribute {key.Quoted()}"));
    }

    public static IEnumerable<Value> Elements(Value input) =>
        input.Elements ?? throw new EvaluationException($"a value of type '{input.TypeName}' cannot be gone over");

    /// <summary>These filters take None, and whatever else is false, for an empty sequence.</summary>
    private static IEnumerable<Value> ElementsIfTrue(Value input) => input.IsTrue ? Elements(input) : [];

    private static Value Key(string part) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
        ? new Integer(index)
        : Text.FromTemplate(part);

    private static Func<Value, bool> Test(CallArguments arguments)
    {
        if (arguments.Positional.Count == 0)
            return item => item.IsTrue;
        string test = Name(arguments);
        CallArguments rest = arguments.Skip(1) with { Callee = $"the test '{test}'" };
        return item => Tests.Apply(test, item, rest);
    }

    private static string Name(CallArguments arguments) => arguments.Positional[0] is Text name
        ? name.Content
        : throw new EvaluationException($"{arguments.Callee} needs a name, not a value of type '{arguments.Positional[0].TypeName}'");
}
