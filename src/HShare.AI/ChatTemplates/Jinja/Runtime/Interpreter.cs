using HShare.AI.ChatTemplates.Jinja.Library;
using HShare.AI.ChatTemplates.Jinja.Syntax;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Runtime;

/// <summary>Runs a template's statements once.</summary>
internal sealed class Interpreter
{
    private int _macroDepth;
    private int _loopTurns;

    private Interpreter()
    {
    }

    /// <summary>What runs after a statement.</summary>
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    /// <param name="template">The parsed template.</param>
    /// <param name="variables">The variables it sees beside the global functions.</param>
    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    public static Text Render(Block template, IEnumerable<KeyValuePair<string, Value>> variables, TimeProvider clock)
    {
        Scope globals = new(outer: null);
        foreach (Function function in Globals.Create(clock))
            globals.Set(function.Name, function);
        Scope scope = new(globals);
        foreach ((string name, Value value) in variables)
            scope.Set(name, value);
        return new Interpreter().RenderBody(template, scope);
    }

    private Text RenderBody(Block body, Scope scope)
    {
        TextBuilder output = new();
        Execute(body, scope, output);
        return output.ToText();
    }

    private Flow Execute(Block block, Scope scope, TextBuilder output)
    {
        foreach (Statement statement in block.Statements)
        {
            Flow flow = Execute(statement, scope, output);
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }

    private Flow Execute(Statement statement, Scope scope, TextBuilder output)
    {
        try
        {
            Limits.CheckNesting();
            return ExecuteUnlocated(statement, scope, output);
        }
        catch (EvaluationException error)
        {
            // Thrown by nesting, and by what runs late: a generator's items, made as a loop asks for them.
            throw statement.Position.Error(error.Message, error);
        }
    }

    private Flow ExecuteUnlocated(Statement statement, Scope scope, TextBuilder output)
    {
        switch (statement)
        {
            case DataOutput data:
                output.Append(data.Text);
                return Flow.Next;
            case ExpressionOutput expression:
                Evaluator.Evaluate(expression.Expression, scope).Write(output);
                return Flow.Next;
            case If branches:
                return Execute(Choose(branches, scope), scope, output);
            case For loop:
                Run(loop, scope, output);
                return Flow.Next;
            case Block block:
                return Execute(block, scope, output);
            case Break:
                return Flow.Break;
            case Continue:
                return Flow.Continue;
            case Set set:
                Assign(set.Target, Evaluator.Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case SetBlock set:
                Assign(set.Target, Filtered(set.Body, set.Filters, scope), scope);
                return Flow.Next;
            case FilterBlock filter:
                Filtered(filter.Body, filter.Filters, scope).Write(output);
                return Flow.Next;
            case Macro macro:
                scope.Set(macro.Name, Define(macro, scope));
                return Flow.Next;
            case CallBlock call:
                Call(call, scope).Write(output);
                return Flow.Next;
            default:
                throw new InvalidOperationException($"No execution for {statement.GetType().Name}.");
        }
    }

    private static Block Choose(If branches, Scope scope)
    {
        foreach ((Expression condition, Block body) in branches.Branches)
        {
            if (Evaluator.Evaluate(condition, scope).IsTrue)
                return body;
        }

        return branches.Otherwise;
    }

    private void Run(For statement, Scope scope, TextBuilder output)
    {
        Loop loop = new(Items(statement, scope));
        bool any = false;
        while (loop.MoveNext())
        {
            any = true;
            if (++_loopTurns > Limits.LoopTurns)
                throw statement.Position.Error($"the template's loops ran more than {Limits.LoopTurns} turns.");
            Scope body = new(scope);
            body.Set("loop", loop);
            Assign(statement.Target, loop.Current, body);
            if (Execute(statement.Body, body, output) == Flow.Break)
                break;
        }

        if (!any)
            Execute(statement.Otherwise, scope, output);
    }

    private static IEnumerable<Value> Items(For statement, Scope scope)
    {
        Value container = Evaluator.Evaluate(statement.Items, scope);
        IEnumerable<Value> items = container.Elements
            ?? throw statement.Items.Position.Error($"a value of type '{container.TypeName}' cannot be looped over.");
        return statement.Filter is { } filter ? items.Where(item => Passes(statement.Target, filter, item, scope)) : items;
    }

    private static bool Passes(AssignmentTarget target, Expression filter, Value item, Scope scope)
    {
        Scope inner = new(scope);
        Assign(target, item, inner);
        return Evaluator.Evaluate(filter, inner).IsTrue;
    }

    private static void Assign(AssignmentTarget target, Value value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Identifier, value);
                break;
            case NamespaceTarget attribute:
                if (!scope.TryGet(attribute.Namespace, out Value? found) || found is not Namespace ns)
                    throw attribute.Position.Error($"'{attribute.Namespace}' is not a namespace; only those have attributes to set.");
                ns.Set(attribute.Attribute, value);
                break;
            case TupleTarget tuple:
                Value[] parts = value.Elements?.ToArray()
                    ?? throw tuple.Position.Error($"a value of type '{value.TypeName}' cannot be unpacked.");
                if (parts.Length != tuple.Items.Count)
                    throw tuple.Position.Error($"{parts.Length} values cannot be unpacked into {tuple.Items.Count} variables.");
                for (int i = 0; i < parts.Length; i++)
                    Assign(tuple.Items[i], parts[i], scope);
                break;
        }
    }

    private Value Filtered(Block body, IReadOnlyList<FilterApplication> filters, Scope scope)
    {
        Value value = RenderBody(body, new Scope(scope));
        foreach (FilterApplication filter in filters)
            value = Evaluator.ApplyFilter(filter, value, scope);
        return value;
    }

    private Function Define(Macro macro, Scope scope) => new(macro.Name, arguments => Invoke(macro, arguments, scope));

    private Text Invoke(Macro macro, CallArguments arguments, Scope definition)
    {
        if (_macroDepth >= Limits.MacroDepth)
            throw new EvaluationException($"macros call one another more than {Limits.MacroDepth} deep");
        Scope scope = new(definition);
        Value? caller = arguments.Named.FirstOrDefault(argument => argument.Key == "caller").Value;
        scope.Set("caller", caller ?? Undefined.Name("caller"));
        BoundArguments bound = (arguments with { Named = [.. arguments.Named.Where(argument => argument.Key != "caller")] })
            .Bind([.. macro.Parameters.Select(parameter => parameter.Name)]);
        for (int i = 0; i < macro.Parameters.Count; i++)
            scope.Set(macro.Parameters[i].Name, bound[i] ?? Default(macro.Parameters[i], scope));

        _macroDepth++;
        try
        {
            return RenderBody(macro.Body, scope);
        }
        finally
        {
            _macroDepth--;
        }
    }

    private static Value Default(Parameter parameter, Scope scope) => parameter.Default is { } expression
        ? Evaluator.Evaluate(expression, scope)
        : new Undefined($"parameter '{parameter.Name}' was not provided");

    /// <summary>Calls a macro with the block's body as its <c>caller</c>.</summary>
    private Value Call(CallBlock block, Scope scope)
    {
        Scope inner = new(scope);
        // No template can spell this name, so the body's own variables are safe from it.
        const string Body = "caller()";
        inner.Set(Body, Define(block.Caller, scope));
        ArgumentList written = block.Call.Arguments;
        ArgumentList arguments = written with { Named = [.. written.Named, ("caller", new Name(block.Position, Body))] };
        return Evaluator.Evaluate(block.Call with { Arguments = arguments }, inner);
    }
}
