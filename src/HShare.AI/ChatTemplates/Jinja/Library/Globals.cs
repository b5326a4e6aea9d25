using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>The functions that every chat template sees.</summary>
internal static class Globals
{
    public static IEnumerable<Function> Create(TimeProvider clock) =>
    [
        new("raise_exception", RaiseException),
        new("strftime_now", arguments =>
            Text.FromTemplate(StrfTime.Format(clock.GetLocalNow(), arguments.Bind("format").RequireText(0).Content))),
        new("namespace", CreateNamespace),
        new("dict", CreateDictionary),
        new("range", Range),
    ];

    private static Value RaiseException(CallArguments arguments) =>
        throw new EvaluationException($"the template refused the conversation: {arguments.Bind("message").Require(0)}");

    private static Namespace CreateNamespace(CallArguments arguments)
    {
        Namespace ns = new();
        foreach ((Value key, Value value) in CreateDictionary(arguments).Entries)
            ns.Set(key.ToString(), value);
        return ns;
    }

    private static Dictionary CreateDictionary(CallArguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw new EvaluationException($"{arguments.Callee} takes at most one dictionary");
        Dictionary result = new();
        if (arguments.Positional.Count == 1)
            Copy(arguments.Positional[0], result);
        foreach ((string name, Value value) in arguments.Named)
            result[Text.FromTemplate(name)] = value;
        return result;
    }

    private static void Copy(Value source, Dictionary target)
    {
        if (source is Dictionary dictionary)
        {
            foreach ((Value key, Value value) in dictionary.Entries)
                target[key] = value;
            return;
        }

        foreach (Value pair in source.Elements ?? throw new EvaluationException($"no dictionary can be made of type '{source.TypeName}'"))
        {
            if (pair is not Sequence { Items: [Value key, Value value] })
                throw new EvaluationException("a dictionary is made of pairs of key and value");
            target[key] = value;
        }
    }

    private static Sequence Range(CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("start", "stop", "step");
        bound.Require(0);
        bool stopOnly = bound[1] is null;
        long start = stopOnly ? 0 : bound.Integer(0, 0);
        long stop = bound.Integer(stopOnly ? 0 : 1, 0);
        long step = bound.Integer(2, 1);
        if (step == 0)
            throw new EvaluationException("the step of a range cannot be zero");
        long count = Math.Max(0, (stop - start + step - Math.Sign(step)) / step);
        if (count > Limits.RangeItems)
            throw new EvaluationException($"a range of {count} items is too big; templates may use {Limits.RangeItems}");
        Value[] items = new Value[count];
        for (int i = 0; i < items.Length; i++)
            items[i] = new Integer(start + (i * step));
        return new Sequence(items);
    }
}
