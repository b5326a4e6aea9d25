using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>The methods of Python's <c>dict</c>. Those that would change it can be named, and fail when called.</summary>
internal static class DictionaryMethods
{
    public static Function? Find(Dictionary dictionary, string name) => name switch
    {
        "get" => new Function(name, arguments => Get(dictionary, arguments)),
        "keys" => View(name, dictionary, SequenceKind.DictKeys, entry => entry.Key),
        "values" => View(name, dictionary, SequenceKind.DictValues, entry => entry.Value),
        "items" => View(name, dictionary, SequenceKind.DictItems, Pair),
        "copy" => new Function(name, _ => dictionary),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => SequenceMethods.Forbidden(name),
        _ => null,
    };

    public static Value Pair(KeyValuePair<Value, Value> entry) => new Sequence([entry.Key, entry.Value], SequenceKind.Tuple);

    private static Value Get(Dictionary dictionary, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("key", "default");
        return dictionary.FindItem(bound.Require(0)) ?? bound[1] ?? None.Value;
    }

    private static Function View(string name, Dictionary dictionary, SequenceKind kind, Func<KeyValuePair<Value, Value>, Value> select) =>
        new(name, arguments =>
        {
            arguments.Bind();
            return new Sequence([.. dictionary.Entries.Select(select)], kind);
        });
}
