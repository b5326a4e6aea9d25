namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>The arguments of a call. <paramref name="Callee"/> is what error messages name.</summary>
internal sealed record CallArguments(string Callee, IReadOnlyList<Value> Positional, IReadOnlyList<KeyValuePair<string, Value>> Named)
{
    /// <summary>Gives each argument to a parameter; those not given stay null.</summary>
    public BoundArguments Bind(params ReadOnlySpan<string> parameters)
    {
        if (Positional.Count > parameters.Length)
            throw new EvaluationException($"{Callee} takes at most {parameters.Length} arguments, but {Positional.Count} were given");
        Value?[] values = new Value?[parameters.Length];
        for (int i = 0; i < Positional.Count; i++)
            values[i] = Positional[i];
        foreach ((string name, Value value) in Named)
        {
            int parameter = parameters.IndexOf(name);
            if (parameter < 0)
                throw new EvaluationException($"{Callee} has no argument named '{name}'");
            if (values[parameter] is not null)
                throw new EvaluationException($"{Callee} got its argument '{name}' twice");
            values[parameter] = value;
        }

        return new BoundArguments(Callee, parameters.ToArray(), values);
    }

    /// <summary>The arguments without the first positional ones.</summary>
    public CallArguments Skip(int count) => this with { Positional = [.. Positional.Skip(count)] };
}

/// <summary>Arguments by parameter.</summary>
internal sealed record BoundArguments(string Callee, string[] Parameters, Value?[] Values)
{
    public Value? this[int parameter] => Values[parameter];

    /// <summary>An argument that must be there.</summary>
    public Value Require(int parameter) =>
        Values[parameter] ?? throw new EvaluationException($"{Callee} needs its argument '{Parameters[parameter]}'");

    public Text RequireText(int parameter) => Require(parameter) as Text ?? throw Mismatch(parameter, "a string");

    /// <summary>A string, or null where none or None was given.</summary>
    public Text? Text(int parameter) => Values[parameter] switch
    {
        null or None => null,
        Text text => text,
        _ => throw Mismatch(parameter, "a string"),
    };

    public int Integer(int parameter, int otherwise)
    {
        if (Values[parameter] is not { } value)
            return otherwise;
        if (!Number.TryInteger(value, out Int128 number))
            throw Mismatch(parameter, "an integer");
        return (int)Int128.Clamp(number, int.MinValue, int.MaxValue);
    }

    public bool Flag(int parameter, bool otherwise) => Values[parameter]?.IsTrue ?? otherwise;

    public EvaluationException Mismatch(int parameter, string expected) => Values[parameter] is Undefined undefined
        ? undefined.Error()
        : new($"{Callee} needs {expected} as '{Parameters[parameter]}', not a value of type '{Values[parameter]?.TypeName}'");
}
