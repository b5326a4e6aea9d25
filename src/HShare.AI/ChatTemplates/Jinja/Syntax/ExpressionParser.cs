using System.Globalization;
using System.Runtime.CompilerServices;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>Reads expressions by recursive descent, each method one level of precedence, from the loosest to the tightest.</summary>
internal sealed class ExpressionParser(TokenReader tokens)
{
    /// <summary>An expression; several with commas between them make a tuple.</summary>
    public Expression ParseTupleOrExpression(bool allowConditional = true)
    {
        Expression first = Parse(allowConditional);
        return tokens.Current.IsSymbol(",") ? ParseTupleRest(first, allowConditional) : first;
    }

    public Expression Parse(bool allowConditional = true)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw tokens.Current.Position.Error("expressions are nested too deeply here.");
        return allowConditional ? ParseConditional() : ParseOr();
    }

    /// <summary>Arguments in parentheses.</summary>
    public ArgumentList ParseArguments()
    {
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? morePositional = null, moreNamed = null;
        tokens.ExpectSymbol("(");
        while (!tokens.TrySymbol(")"))
        {
            if (morePositional is null && tokens.TrySymbol("*"))
            {
                morePositional = Parse();
            }
            else if (moreNamed is null && tokens.TrySymbol("**"))
            {
                moreNamed = Parse();
            }
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Next.IsSymbol("="))
            {
                string name = tokens.Take().Value;
                tokens.ExpectSymbol("=");
                named.Add((name, Parse()));
            }
            else if (named.Count > 0 || morePositional is not null || moreNamed is not null)
            {
                throw tokens.Current.Position.Error("an argument without a name must stand before those with a name and before * and **.");
            }
            else
            {
                positional.Add(Parse());
            }

            if (!tokens.Current.IsSymbol(")"))
                tokens.ExpectSymbol(",");
        }

        return new ArgumentList(positional, named, morePositional, moreNamed);
    }

    /// <summary>A filter's name and arguments, the bar before it already read.</summary>
    public FilterApplication ParseFilter(Expression? input)
    {
        SourcePosition position = tokens.Current.Position;
        return new FilterApplication(position, input, ParseDottedName("a filter's name"), ParseOptionalArguments());
    }

    private Expression ParseConditional()
    {
        Expression value = ParseOr();
        while (tokens.Current.IsName("if"))
        {
            SourcePosition position = tokens.Take().Position;
            Expression condition = ParseOr();
            Expression? otherwise = tokens.TryName("else") ? Parse() : null;
            value = new Conditional(position, condition, value, otherwise);
        }

        return value;
    }

    private Expression ParseOr() => ParseLeftAssociative(ParseAnd, static token => token.IsName("or"));

    private Expression ParseAnd() => ParseLeftAssociative(ParseNot, static token => token.IsName("and"));

    private Expression ParseNot()
    {
        if (!tokens.Current.IsName("not") || tokens.Next.IsName("in"))
            return ParseComparison();
        SourcePosition position = tokens.Take().Position;
        return new UnaryOperation(position, "not", Nested(ParseNot));
    }

    private Expression ParseComparison()
    {
        SourcePosition position = tokens.Current.Position;
        Expression first = ParseSum();
        List<(string, Expression)> rest = [];
        while (TryComparisonOperator() is { } comparison)
            rest.Add((comparison, ParseSum()));
        return rest.Count == 0 ? first : new Comparison(position, first, rest);
    }

    private string? TryComparisonOperator()
    {
        if (tokens.Current is { Kind: TokenKind.Symbol, Value: "==" or "!=" or "<" or "<=" or ">" or ">=" } || tokens.Current.IsName("in"))
            return tokens.Take().Value;
        if (!tokens.Current.IsName("not") || !tokens.Next.IsName("in"))
            return null;
        tokens.Take();
        tokens.Take();
        return "not in";
    }

    private Expression ParseSum() =>
        ParseLeftAssociative(ParseConcatenation, static token => token.IsSymbol("+") || token.IsSymbol("-"));

    private Expression ParseConcatenation() => ParseLeftAssociative(ParseProduct, static token => token.IsSymbol("~"));

    private Expression ParseProduct() => ParseLeftAssociative(
        ParsePower, static token => token.IsSymbol("*") || token.IsSymbol("/") || token.IsSymbol("//") || token.IsSymbol("%"));

    private Expression ParsePower() => ParseLeftAssociative(() => ParseUnary(), static token => token.IsSymbol("**"));

    private Expression ParseLeftAssociative(Func<Expression> parseOperand, Func<Token, bool> isOperator)
    {
        Expression left = parseOperand();
        while (isOperator(tokens.Current))
        {
            Token operation = tokens.Take();
            left = new BinaryOperation(operation.Position, operation.Value, left, parseOperand());
        }

        return left;
    }

    private Expression ParseUnary(bool withFilters = true)
    {
        Expression value;
        if (tokens.Current.IsSymbol("-") || tokens.Current.IsSymbol("+"))
        {
            Token sign = tokens.Take();
            value = new UnaryOperation(sign.Position, sign.Value, Nested(() => ParseUnary(withFilters: false)));
        }
        else
        {
            value = ParsePostfix(ParsePrimary());
        }

        return withFilters ? ParseFiltersAndTests(value) : value;
    }

    /// <summary>Operators that stand before their operand recurse on their own, past the check in <see cref="Parse"/>.</summary>
    private Expression Nested(Func<Expression> parse) => RuntimeHelpers.TryEnsureSufficientExecutionStack()
        ? parse()
        : throw tokens.Current.Position.Error("expressions are nested too deeply here.");

    private Expression ParseFiltersAndTests(Expression value)
    {
        while (true)
        {
            if (tokens.TrySymbol("|"))
                value = ParseFilter(value);
            else if (tokens.Current.IsName("is"))
                value = ParseTest(value);
            else if (tokens.Current.IsSymbol("("))
                value = new Call(tokens.Current.Position, value, ParseArguments());
            else
                return value;
        }
    }

    private Expression ParseTest(Expression input)
    {
        tokens.ExpectName("is");
        bool negated = tokens.TryName("not");
        SourcePosition position = tokens.Current.Position;
        string name = ParseDottedName("a test's name");
        ArgumentList arguments = StartsBareArgument()
            ? new ArgumentList([ParsePostfix(ParsePrimary())], [])
            : ParseOptionalArguments();
        TestApplication test = new(position, input, name, arguments);
        return negated ? new UnaryOperation(position, "not", test) : test;
    }

    /// <summary>A test may have its one argument without parentheses: <c>is divisibleby 3</c>.</summary>
    private bool StartsBareArgument() => tokens.Current switch
    {
        { Kind: TokenKind.Name, Value: "else" or "or" or "and" or "if" or "is" or "in" or "not" } => false,
        { Kind: TokenKind.Name or TokenKind.String or TokenKind.Integer or TokenKind.Float } => true,
        { Kind: TokenKind.Symbol, Value: "[" or "{" } => true,
        _ => false,
    };

    private string ParseDottedName(string what)
    {
        string name = tokens.Expect(TokenKind.Name, what).Value;
        while (tokens.TrySymbol("."))
            name += "." + tokens.Expect(TokenKind.Name, what).Value;
        return name;
    }

    private ArgumentList ParseOptionalArguments() => tokens.Current.IsSymbol("(") ? ParseArguments() : ArgumentList.Empty;

    private Expression ParsePostfix(Expression value)
    {
        while (true)
        {
            SourcePosition position = tokens.Current.Position;
            if (tokens.TrySymbol("."))
            {
                value = tokens.Current.Kind == TokenKind.Integer
                    ? new ItemAccess(position, value, ParsePrimary())
                    : new AttributeAccess(position, value, tokens.Expect(TokenKind.Name, "an attribute's name").Value);
            }
            else if (tokens.TrySymbol("["))
            {
                value = ParseSubscript(position, value);
                tokens.ExpectSymbol("]");
            }
            else if (tokens.Current.IsSymbol("("))
            {
                value = new Call(position, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseSubscript(SourcePosition position, Expression target)
    {
        Expression? start = tokens.Current.IsSymbol(":") ? null : ParseTupleOrExpression();
        if (!tokens.TrySymbol(":"))
            return new ItemAccess(position, target, start!);
        Expression? stop = tokens.Current.IsSymbol(":") || tokens.Current.IsSymbol("]") ? null : Parse();
        Expression? step = tokens.TrySymbol(":") && !tokens.Current.IsSymbol("]") ? Parse() : null;
        return new SliceAccess(position, target, start, stop, step);
    }

    private Expression ParsePrimary()
    {
        Token token = tokens.Take();
        switch (token)
        {
            case { Kind: TokenKind.Name }:
                return ParseName(token);
            case { Kind: TokenKind.String }:
                string text = token.Value;
                while (tokens.Current.Kind == TokenKind.String)
                    text += tokens.Take().Value;
                return new Literal(token.Position, Text.FromTemplate(text));
            case { Kind: TokenKind.Integer }:
                return Int128.TryParse(token.Value, CultureInfo.InvariantCulture, out Int128 integer)
                    ? new Literal(token.Position, new Integer(integer))
                    : throw token.Position.Error("the number is too large.");
            case { Kind: TokenKind.Float }:
                return new Literal(token.Position, new Float(double.Parse(token.Value, CultureInfo.InvariantCulture)));
            case { Kind: TokenKind.Symbol, Value: "(" }:
                return ParseParenthesised(token.Position);
            case { Kind: TokenKind.Symbol, Value: "[" }:
                return new ListDisplay(token.Position, ParseItems("]"), SequenceKind.List);
            case { Kind: TokenKind.Symbol, Value: "{" }:
                return ParseDict(token.Position);
            default:
                throw token.Position.Error($"expected an expression, found {token}.");
        }
    }

    private static Expression ParseName(Token name) => name.Value switch
    {
        "true" or "True" => new Literal(name.Position, Bool.True),
        "false" or "False" => new Literal(name.Position, Bool.False),
        "none" or "None" => new Literal(name.Position, None.Value),
        _ => new Name(name.Position, name.Value),
    };

    private Expression ParseParenthesised(SourcePosition position)
    {
        if (tokens.TrySymbol(")"))
            return new ListDisplay(position, [], SequenceKind.Tuple);
        Expression value = ParseTupleOrExpression();
        tokens.ExpectSymbol(")");
        return value;
    }

    private ListDisplay ParseTupleRest(Expression first, bool allowConditional)
    {
        List<Expression> items = [first];
        while (tokens.TrySymbol(",") && !EndsTuple())
            items.Add(Parse(allowConditional));
        return new ListDisplay(first.Position, items, SequenceKind.Tuple);
    }

    private bool EndsTuple() => tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.OutputEnd || tokens.Current.IsSymbol(")");

    private List<Expression> ParseItems(string close)
    {
        List<Expression> items = [];
        while (!tokens.TrySymbol(close))
        {
            items.Add(Parse());
            if (!tokens.Current.IsSymbol(close))
                tokens.ExpectSymbol(",");
        }

        return items;
    }

    private DictDisplay ParseDict(SourcePosition position)
    {
        List<(Expression, Expression)> entries = [];
        while (!tokens.TrySymbol("}"))
        {
            Expression key = Parse();
            tokens.ExpectSymbol(":");
            entries.Add((key, Parse()));
            if (!tokens.Current.IsSymbol("}"))
                tokens.ExpectSymbol(",");
        }

        return new DictDisplay(position, entries);
    }
}
