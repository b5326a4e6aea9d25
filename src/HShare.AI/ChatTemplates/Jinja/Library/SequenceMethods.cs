using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>The methods of Python's <c>list</c> and <c>tuple</c>. Those that would change it can be named, and fail when called.</summary>
internal static class SequenceMethods
{
    public static Function? Find(Sequence sequence, string name) => name switch
    {
        "count" => new Function(name, arguments =>
            new Integer(sequence.Items.Count(arguments.Bind("value").Require(0).Equals))),
        "index" => new Function(name, arguments => Index(sequence, arguments.Bind("value").Require(0))),
        "copy" when sequence.Kind == SequenceKind.List => new Function(name, _ => sequence),
        "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort"
            when sequence.Kind == SequenceKind.List => Forbidden(name),
        _ => null,
    };

    /// <summary>A method that the sandbox of chat templates forbids, as it changes its object.</summary>
    public static Function Forbidden(string name) => new(name, _ => throw new EvaluationException(
        $"'{name}' would change its object, which templates may not; build a new value, or keep it in a namespace"));

    private static Integer Index(Sequence sequence, Value value)
    {
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            if (sequence.Items[i].Equals(value))
                return new Integer(i);
        }

        throw new EvaluationException($"{value.Quoted()} is not in the list");
    }
}
