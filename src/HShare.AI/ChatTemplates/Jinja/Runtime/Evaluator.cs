using HShare.AI.ChatTemplates.Jinja.Library;
using HShare.AI.ChatTemplates.Jinja.Syntax;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Runtime;

/// <summary>Gives expressions their values.</summary>
internal static class Evaluator
{
    /// <exception cref="ChatTemplateException">The expression fails; the message has the place of the innermost part that does.</exception>
    public static Value Evaluate(Expression expression, Scope scope)
    {
        try
        {
            Limits.CheckNesting();
            return EvaluateUnlocated(expression, scope);
        }
        catch (EvaluationException error)
        {
            throw expression.Position.Error(error.Message, error);
        }
    }

    /// <summary>Applies a filter to a value that the surrounding statement supplies.</summary>
    public static Value ApplyFilter(FilterApplication filter, Value input, Scope scope)
    {
        try
        {
            return Filters.Apply(filter.Filter, input, EvaluateArguments($"the filter '{filter.Filter}'", filter.Arguments, scope));
        }
        catch (EvaluationException error)
        {
            throw filter.Position.Error(error.Message, error);
        }
    }

    private static Value EvaluateUnlocated(Expression expression, Scope scope) => expression switch
    {
        Literal literal => literal.Value,
        Name name => scope.TryGet(name.Identifier, out Value? value) ? value : Undefined.Name(name.Identifier),
        AttributeAccess access => Attribute(Evaluate(access.Target, scope), access.Attribute),
        ItemAccess access => Item(Evaluate(access.Target, scope), Evaluate(access.Key, scope)),
        SliceAccess slice => Operators.Slice(
            Evaluate(slice.Target, scope), Optional(slice.Start, scope), Optional(slice.Stop, scope), Optional(slice.Step, scope)),
        Call call => CallFunction(call, scope),
        FilterApplication filter => ApplyFilter(filter, Evaluate(filter.Input!, scope), scope),
        TestApplication test => Test(test, scope),
        UnaryOperation unary => Unary(unary.Operator, Evaluate(unary.Operand, scope)),
        BinaryOperation { Operator: "and" } and => Evaluate(and.Left, scope) is { IsTrue: false } left ? left : Evaluate(and.Right, scope),
        BinaryOperation { Operator: "or" } or => Evaluate(or.Left, scope) is { IsTrue: true } left ? left : Evaluate(or.Right, scope),
        BinaryOperation binary => Operators.Binary(binary.Operator, Evaluate(binary.Left, scope), Evaluate(binary.Right, scope)),
        Comparison comparison => Compare(comparison, scope),
        Conditional conditional => Choose(conditional, scope),
        ListDisplay list => new Sequence([.. list.Items.Select(item => Evaluate(item, scope))], list.Kind),
        DictDisplay dict => Display(dict, scope),
        _ => throw new InvalidOperationException($"No evaluation for {expression.GetType().Name}."),
    };

    private static Value? Optional(Expression? expression, Scope scope) => expression is null ? null : Evaluate(expression, scope);

    private static Value Attribute(Value target, string name) => target is Undefined undefined
        ? throw undefined.Error()
        : target.FindAttribute(name) ?? target.FindItem(Text.FromTemplate(name)) ?? Missing(target, $"attribute '{name}'");

    private static Value Item(Value target, Value key) => target is Undefined undefined
        ? throw undefined.Error()
        : target.FindItem(key)
            ?? (key is Text name ? target.FindAttribute(name.Content) : null)
            ?? Missing(target, $"element {key.Quoted()}");

    private static Undefined Missing(Value target, string what) => new($"a value of type '{target.TypeName}' has no {what}");

    private static Value Unary(string operation, Value operand) => operation switch
    {
        "not" => Bool.From(!operand.IsTrue),
        "-" => Operators.Negate(operand),
        _ => Operators.Plus(operand),
    };

    private static Bool Compare(Comparison comparison, Scope scope)
    {
        Value left = Evaluate(comparison.First, scope);
        foreach ((string operation, Expression expression) in comparison.Rest)
        {
            Value right = Evaluate(expression, scope);
            if (!Operators.Compare(operation, left, right))
                return Bool.False;
            left = right;
        }

        return Bool.True;
    }

    private static Value Choose(Conditional conditional, Scope scope)
    {
        if (Evaluate(conditional.Condition, scope).IsTrue)
            return Evaluate(conditional.Then, scope);
        return conditional.Otherwise is { } otherwise
            ? Evaluate(otherwise, scope)
            : new Undefined("the condition does not hold and there is no 'else'");
    }

    private static Dictionary Display(DictDisplay display, Scope scope)
    {
        Dictionary dictionary = new();
        foreach ((Expression key, Expression value) in display.Entries)
            dictionary[Evaluate(key, scope)] = Evaluate(value, scope);
        return dictionary;
    }

    private static Bool Test(TestApplication test, Scope scope)
    {
        Value input = Evaluate(test.Input, scope);
        return Bool.From(Tests.Apply(test.Test, input, EvaluateArguments($"the test '{test.Test}'", test.Arguments, scope)));
    }

    private static Value CallFunction(Call call, Scope scope)
    {
        Value target = Evaluate(call.Function, scope);
        if (target is Undefined && call.Function is Name { Identifier: string unknown })
            throw new EvaluationException($"unknown function '{unknown}'");
        if (target is Undefined undefined)
            throw undefined.Error();
        if (target is not Function function)
            throw new EvaluationException($"a value of type '{target.TypeName}' cannot be called");
        return function.Call(EvaluateArguments($"'{function.Name}'", call.Arguments, scope));
    }

    private static CallArguments EvaluateArguments(string callee, ArgumentList arguments, Scope scope)
    {
        List<Value> positional = [.. arguments.Positional.Select(argument => Evaluate(argument, scope))];
        if (arguments.MorePositional is { } sequence)
            positional.AddRange(Selections.Elements(Evaluate(sequence, scope)));
        List<KeyValuePair<string, Value>> named =
            [.. arguments.Named.Select(argument => KeyValuePair.Create(argument.Name, Evaluate(argument.Value, scope)))];
        if (arguments.MoreNamed is { } more)
        {
            Dictionary dictionary = Evaluate(more, scope) as Dictionary
                ?? throw new EvaluationException("what stands behind '**' is no dictionary");
            named.AddRange(dictionary.Entries.Select(entry => KeyValuePair.Create(entry.Key.ToString(), entry.Value)));
        }

        return new CallArguments(callee, positional, named);
    }
}
