using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Runtime;

/// <summary>
/// A loop in progress, and the variable <c>loop</c> of its body. Items come on demand, since a loop's filter may depend on what the body
/// did before; <c>loop.last</c> looks one ahead, <c>loop.length</c> takes all.
/// </summary>
internal sealed class Loop(IEnumerable<Value> items) : Value
{
    private readonly IEnumerator<Value> _source = items.GetEnumerator();
    private readonly Queue<Value> _ahead = [];
    private Value? _previous;
    private Value? _current;
    private Value? _changed;
    private int _index = -1;

    public override string TypeName => "LoopContext";

    public Value Current => _current!;

    /// <summary>Steps to the next item, if there is one.</summary>
    public bool MoveNext()
    {
        if (!LookAhead(1))
            return false;
        _previous = _current;
        _current = _ahead.Dequeue();
        _index++;
        return true;
    }

    public override Value? FindAttribute(string name) => name switch
    {
        "index" => new Integer(_index + 1),
        "index0" => new Integer(_index),
        "revindex" => new Integer(Count() - _index),
        "revindex0" => new Integer(Count() - _index - 1),
        "first" => Bool.From(_index == 0),
        "last" => Bool.From(!LookAhead(1)),
        "length" => new Integer(Count()),
        // Only recursive loops, which are not supported, go deeper.
        "depth" => new Integer(1),
        "depth0" => new Integer(0),
        "previtem" => _previous ?? new Undefined("there is no previous item"),
        "nextitem" => LookAhead(1) ? _ahead.Peek() : new Undefined("there is no next item"),
        "cycle" => new Function("loop.cycle", Cycle),
        "changed" => new Function("loop.changed", Changed),
        _ => null,
    };

    public override void Write(TextBuilder output) => output.Append($"<LoopContext {_index + 1}/{Count()}>");

    private int Count()
    {
        LookAhead(int.MaxValue);
        return _index + 1 + _ahead.Count;
    }

    private bool LookAhead(int count)
    {
        while (_ahead.Count < count && _source.MoveNext())
            _ahead.Enqueue(_source.Current);
        return _ahead.Count >= count;
    }

    private Value Cycle(CallArguments arguments) => arguments.Positional.Count > 0
        ? arguments.Positional[_index % arguments.Positional.Count]
        : throw new EvaluationException("loop.cycle needs values to go round");

    private Bool Changed(CallArguments arguments)
    {
        Sequence value = new(arguments.Positional, SequenceKind.Tuple);
        bool changed = !value.Equals(_changed);
        _changed = value;
        return Bool.From(changed);
    }
}
