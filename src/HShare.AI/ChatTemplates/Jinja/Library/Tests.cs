using System.Collections.Frozen;
using HShare.AI.ChatTemplates.Jinja.Runtime;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Jinja's tests (<c>is defined</c> and so on) by name.</summary>
internal static class Tests
{
    private static readonly FrozenDictionary<string, Func<Value, CallArguments, bool>> ByName =
        new Dictionary<string, Func<Value, CallArguments, bool>>
        {
            ["defined"] = (input, _) => input is not Undefined,
            ["undefined"] = (input, _) => input is Undefined,
            ["none"] = (input, _) => input is None,
            ["boolean"] = (input, _) => input is Bool,
            ["true"] = (input, _) => input is Bool { IsTrue: true },
            ["false"] = (input, _) => input is Bool { IsTrue: false },
            ["integer"] = (input, _) => input is Integer,
            ["float"] = (input, _) => input is Float,
            ["number"] = (input, _) => input is Integer or Float or Bool,
            ["string"] = (input, _) => input is Text,
            ["mapping"] = (input, _) => input is Dictionary,
            ["sequence"] = (input, _) => input is Text or Sequence { IsView: false } or Dictionary or Undefined,
            ["iterable"] = (input, _) => input.Elements is not null,
            ["callable"] = (input, _) => input is Function,
            ["escaped"] = (input, _) => input is Text { IsMarkup: true },
            ["lower"] = (input, _) => Letters.IsLower(input.ToString()),
            ["upper"] = (input, _) => Letters.IsUpper(input.ToString()),
            ["odd"] = (input, _) => Operators.Binary("%", input, new Integer(2)).Equals(new Integer(1)),
            ["even"] = (input, _) => Operators.Binary("%", input, new Integer(2)).Equals(new Integer(0)),
            ["divisibleby"] = (input, arguments) => Operators.Binary("%", input, arguments.Bind("num").Require(0)).Equals(new Integer(0)),
            ["sameas"] = (input, arguments) => ReferenceEquals(input, arguments.Bind("other").Require(0)),
            ["filter"] = (input, _) => input is Text name && Filters.Exists(name.Content),
            ["test"] = (input, _) => input is Text name && ByName!.ContainsKey(name.Content),
            ["eq"] = Comparison("=="),
            ["equalto"] = Comparison("=="),
            ["ne"] = Comparison("!="),
            ["lt"] = Comparison("<"),
            ["lessthan"] = Comparison("<"),
            ["le"] = Comparison("<="),
            ["gt"] = Comparison(">"),
            ["greaterthan"] = Comparison(">"),
            ["ge"] = Comparison(">="),
            ["in"] = Comparison("in"),
            // As names given to select and selectattr.
            ["=="] = Comparison("=="),
            ["!="] = Comparison("!="),
            ["<"] = Comparison("<"),
            ["<="] = Comparison("<="),
            [">"] = Comparison(">"),
            [">="] = Comparison(">="),
        }.ToFrozenDictionary();

    public static bool Apply(string name, Value input, CallArguments arguments) => ByName.TryGetValue(name, out var test)
        ? test(input, arguments)
        : throw new EvaluationException($"unknown test '{name}'");

    private static Func<Value, CallArguments, bool> Comparison(string operation) =>
        (input, arguments) => Operators.Compare(operation, input, arguments.Bind("other").Require(0));
}
