using System.Collections.Frozen;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Jinja's filters by name.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, Func<Value, CallArguments, Value>> ByName =
        new Dictionary<string, Func<Value, CallArguments, Value>>
        {
            ["abs"] = (input, _) => NumberFilters.Abs(input),
            ["capitalize"] = (input, _) => Letters.Capitalize(input.ToText()),
            ["count"] = (input, _) => SequenceFilters.Length(input),
            ["d"] = Default,
            ["default"] = Default,
            ["dictsort"] = SequenceFilters.DictSort,
            ["e"] = (input, _) => Html.Escape(input.ToText()),
            ["escape"] = (input, _) => Html.Escape(input.ToText()),
            ["first"] = (input, _) => SequenceFilters.First(input),
            ["float"] = NumberFilters.Float,
            ["groupby"] = SequenceFilters.GroupBy,
            ["indent"] = TextFilters.Indent,
            ["int"] = NumberFilters.Int,
            ["items"] = (input, _) => SequenceFilters.Items(input),
            ["join"] = SequenceFilters.Join,
            ["last"] = (input, _) => SequenceFilters.Last(input),
            ["length"] = (input, _) => SequenceFilters.Length(input),
            ["list"] = (input, _) => SequenceFilters.List(input),
            ["lower"] = (input, _) => Letters.Lower(input.ToText()),
            ["map"] = Selections.Map,
            ["max"] = (input, arguments) => SequenceFilters.Extreme(input, arguments, sign: 1),
            ["min"] = (input, arguments) => SequenceFilters.Extreme(input, arguments, sign: -1),
            ["reject"] = (input, arguments) => Selections.Select(input, arguments, keep: false),
            ["rejectattr"] = (input, arguments) => Selections.SelectByAttribute(input, arguments, keep: false),
            ["replace"] = TextFilters.Replace,
            ["reverse"] = (input, _) => SequenceFilters.Reverse(input),
            ["round"] = NumberFilters.Round,
            ["safe"] = (input, _) => input.ToText().AsMarkup(),
            ["select"] = (input, arguments) => Selections.Select(input, arguments, keep: true),
            ["selectattr"] = (input, arguments) => Selections.SelectByAttribute(input, arguments, keep: true),
            ["sort"] = SequenceFilters.Sort,
            ["string"] = (input, _) => input.ToText(),
            ["sum"] = SequenceFilters.Sum,
            ["title"] = (input, _) => Letters.TitleWords(input.ToText()),
            ["tojson"] = Json.Dump,
            ["trim"] = TextFilters.Trim,
            ["unique"] = SequenceFilters.Unique,
            ["upper"] = (input, _) => Letters.Upper(input.ToText()),
        }.ToFrozenDictionary();

    public static Value Apply(string name, Value input, CallArguments arguments) => ByName.TryGetValue(name, out var filter)
        ? filter(input, arguments)
        : throw new EvaluationException($"unknown filter '{name}'");

    public static bool Exists(string name) => ByName.ContainsKey(name);

    private static Value Default(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("default_value", "boolean");
        bool missing = input is Undefined || (bound.Flag(1, otherwise: false) && !input.IsTrue);
        return missing ? bound[0] ?? Text.Empty : input;
    }
}
