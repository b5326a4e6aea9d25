namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>A part of a template that does something: most often, writes.</summary>
internal abstract record Statement(SourcePosition Position);

/// <summary>Characters between tags.</summary>
internal sealed record DataOutput(SourcePosition Position, Values.Text Text) : Statement(Position);

/// <summary><c>{{ expression }}</c>.</summary>
internal sealed record ExpressionOutput(SourcePosition Position, Expression Expression) : Statement(Position);

/// <summary><c>{% if %}</c> with its <c>elif</c> branches; <paramref name="Otherwise"/> is empty without an <c>else</c>.</summary>
internal sealed record If(SourcePosition Position, IReadOnlyList<(Expression Condition, Block Body)> Branches, Block Otherwise)
    : Statement(Position);

/// <summary><c>{% for target in items if filter %}</c>; <paramref name="Otherwise"/> runs when no item passed.</summary>
internal sealed record For(
    SourcePosition Position, AssignmentTarget Target, Expression Items, Expression? Filter, Block Body, Block Otherwise)
    : Statement(Position);

internal sealed record Break(SourcePosition Position) : Statement(Position);

internal sealed record Continue(SourcePosition Position) : Statement(Position);

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed record Set(SourcePosition Position, AssignmentTarget Target, Expression Value) : Statement(Position);

/// <summary><c>{% set target | filters %}body{% endset %}</c>.</summary>
internal sealed record SetBlock(SourcePosition Position, AssignmentTarget Target, IReadOnlyList<FilterApplication> Filters, Block Body)
    : Statement(Position);

/// <summary><c>{% filter name %}body{% endfilter %}</c>.</summary>
internal sealed record FilterBlock(SourcePosition Position, IReadOnlyList<FilterApplication> Filters, Block Body) : Statement(Position);

/// <summary><c>{% macro name(parameters) %}</c>.</summary>
internal sealed record Macro(SourcePosition Position, string Name, IReadOnlyList<Parameter> Parameters, Block Body) : Statement(Position);

/// <summary><c>{% call(parameters) function(arguments) %}body{% endcall %}</c>: the body is the macro's <c>caller()</c>.</summary>
internal sealed record CallBlock(SourcePosition Position, Macro Caller, Call Call) : Statement(Position);

/// <summary>Statements in a row.</summary>
internal sealed record Block(SourcePosition Position, IReadOnlyList<Statement> Statements) : Statement(Position);

/// <summary>A macro's parameter.</summary>
internal sealed record Parameter(string Name, Expression? Default);

/// <summary>What a <c>set</c> or <c>for</c> assigns to.</summary>
internal abstract record AssignmentTarget(SourcePosition Position);

internal sealed record NameTarget(SourcePosition Position, string Identifier) : AssignmentTarget(Position);

/// <summary><c>ns.attribute</c>, an attribute of a namespace.</summary>
internal sealed record NamespaceTarget(SourcePosition Position, string Namespace, string Attribute) : AssignmentTarget(Position);

/// <summary><c>a, b</c>: the value is unpacked.</summary>
internal sealed record TupleTarget(SourcePosition Position, IReadOnlyList<AssignmentTarget> Items) : AssignmentTarget(Position);
