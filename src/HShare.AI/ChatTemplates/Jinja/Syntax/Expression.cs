using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>A part of a template that has a value.</summary>
internal abstract record Expression(SourcePosition Position);

internal sealed record Literal(SourcePosition Position, Value Value) : Expression(Position);

internal sealed record Name(SourcePosition Position, string Identifier) : Expression(Position);

internal sealed record ListDisplay(SourcePosition Position, IReadOnlyList<Expression> Items, SequenceKind Kind) : Expression(Position);

internal sealed record DictDisplay(SourcePosition Position, IReadOnlyList<(Expression Key, Expression Value)> Entries)
    : Expression(Position);

/// <summary><c>target.name</c>.</summary>
internal sealed record AttributeAccess(SourcePosition Position, Expression Target, string Attribute) : Expression(Position);

/// <summary><c>target[key]</c>.</summary>
internal sealed record ItemAccess(SourcePosition Position, Expression Target, Expression Key) : Expression(Position);

/// <summary><c>target[start:stop:step]</c>.</summary>
internal sealed record SliceAccess(SourcePosition Position, Expression Target, Expression? Start, Expression? Stop, Expression? Step)
    : Expression(Position);

internal sealed record Call(SourcePosition Position, Expression Function, ArgumentList Arguments) : Expression(Position);

/// <summary><c>input | name(arguments)</c>; without input it stands for the body of a filter block or set block.</summary>
internal sealed record FilterApplication(SourcePosition Position, Expression? Input, string Filter, ArgumentList Arguments)
    : Expression(Position);

/// <summary><c>input is name(arguments)</c>.</summary>
internal sealed record TestApplication(SourcePosition Position, Expression Input, string Test, ArgumentList Arguments)
    : Expression(Position);

/// <summary><c>-operand</c>, <c>+operand</c>, <c>not operand</c>.</summary>
internal sealed record UnaryOperation(SourcePosition Position, string Operator, Expression Operand) : Expression(Position);

internal sealed record BinaryOperation(SourcePosition Position, string Operator, Expression Left, Expression Right) : Expression(Position);

/// <summary><c>a &lt; b &lt;= c</c>: each neighbouring pair is compared, and all must hold.</summary>
internal sealed record Comparison(SourcePosition Position, Expression First, IReadOnlyList<(string Operator, Expression Right)> Rest)
    : Expression(Position);

/// <summary><c>then if condition else otherwise</c>.</summary>
internal sealed record Conditional(SourcePosition Position, Expression Condition, Expression Then, Expression? Otherwise)
    : Expression(Position);

/// <summary>The arguments of a call, as written.</summary>
/// <param name="Positional">Those without a name.</param>
/// <param name="Named">Those with one.</param>
/// <param name="MorePositional">A sequence of further ones: <c>*arguments</c>.</param>
/// <param name="MoreNamed">A dictionary of further ones: <c>**arguments</c>.</param>
internal sealed record ArgumentList(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? MorePositional = null,
    Expression? MoreNamed = null)
{
    public static ArgumentList Empty { get; } = new([], []);
}
