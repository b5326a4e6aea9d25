using System.Runtime.CompilerServices;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>Reads a template's statements.</summary>
internal sealed class Parser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;

    private Parser(TokenReader tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <exception cref="ChatTemplateException">The template does not parse; the message says where.</exception>
    public static Block Parse(string source)
    {
        Parser parser = new(new TokenReader(Lexer.Tokenize(source)));
        Block template = parser.ParseBody();
        return parser._tokens.Current.Kind == TokenKind.End ? template : throw parser.UnknownTag();
    }

    /// <summary>
    /// Statements up to the end of the template, or up to a tag with one of these names, which stays unread behind its <c>{%</c>.
    /// </summary>
    private Block ParseBody(params ReadOnlySpan<string> ends)
    {
        List<Statement> statements = [];
        SourcePosition position = _tokens.Current.Position;
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw position.Error("tags are nested too deeply here.");
        while (true)
        {
            Token token = _tokens.Current;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new DataOutput(token.Position, Text.FromTemplate(_tokens.Take().Value)));
                    break;
                case TokenKind.OutputBegin:
                    _tokens.Take();
                    statements.Add(new ExpressionOutput(_tokens.Current.Position, _expressions.ParseTupleOrExpression()));
                    _tokens.Expect(TokenKind.OutputEnd, "'}}'");
                    break;
                case TokenKind.BlockBegin when _tokens.Next.Kind == TokenKind.Name && ends.Contains(_tokens.Next.Value):
                    _tokens.Take();
                    return new Block(position, statements);
                case TokenKind.BlockBegin:
                    _tokens.Take();
                    statements.Add(ParseStatement());
                    break;
                default:
                    return ends.IsEmpty
                        ? new Block(position, statements)
                        : throw _tokens.Unexpected($"'{{% {ends[^1]} %}}' for the tag at {position}");
            }
        }
    }

    private Statement ParseStatement()
    {
        Token tag = _tokens.Current;
        switch (tag.Value)
        {
            case "if": return ParseIf();
            case "for": return ParseFor();
            case "set": return ParseSet();
            case "macro": return ParseMacro();
            case "call": return ParseCall();
            case "filter": return ParseFilterBlock();
            case "generation": return ParseGeneration();
            case "break": return new Break(EndTag(_tokens.Take().Position));
            case "continue": return new Continue(EndTag(_tokens.Take().Position));
            default: throw UnknownTag();
        }
    }

    private ChatTemplateException UnknownTag() => _tokens.Current.Kind == TokenKind.Name
        ? _tokens.Current.Position.Error($"unknown tag, or one that does not belong here: {_tokens.Current}.")
        : _tokens.Unexpected("a tag's name");

    private SourcePosition EndTag(SourcePosition position)
    {
        _tokens.Expect(TokenKind.BlockEnd, "'%}'");
        return position;
    }

    /// <summary>The body of a tag, up to and with its end tag.</summary>
    private Block ParseBodyThrough(string end)
    {
        Block body = ParseBody(end);
        _tokens.ExpectName(end);
        _tokens.Expect(TokenKind.BlockEnd, "'%}'");
        return body;
    }

    private If ParseIf()
    {
        SourcePosition position = _tokens.Current.Position;
        List<(Expression, Block)> branches = [];
        Block otherwise = new(position, []);
        do
        {
            _tokens.Take();
            Expression condition = _expressions.ParseTupleOrExpression(allowConditional: false);
            EndTag(position);
            branches.Add((condition, ParseBody("elif", "else", "endif")));
        }
        while (_tokens.Current.IsName("elif"));

        if (_tokens.TryName("else"))
        {
            EndTag(position);
            otherwise = ParseBody("endif");
        }

        _tokens.ExpectName("endif");
        EndTag(position);
        return new If(position, branches, otherwise);
    }

    private For ParseFor()
    {
        SourcePosition position = _tokens.Take().Position;
        AssignmentTarget target = ParseTarget();
        _tokens.ExpectName("in");
        Expression items = _expressions.ParseTupleOrExpression(allowConditional: false);
        Expression? filter = _tokens.TryName("if") ? _expressions.Parse() : null;
        if (_tokens.Current.IsName("recursive"))
            throw _tokens.Current.Position.Error("recursive loops are not supported; use a macro that calls itself.");
        EndTag(position);
        Block body = ParseBody("else", "endfor");
        Block otherwise = new(position, []);
        if (_tokens.TryName("else"))
        {
            EndTag(position);
            otherwise = ParseBody("endfor");
        }

        _tokens.ExpectName("endfor");
        EndTag(position);
        return new For(position, target, items, filter, body, otherwise);
    }

    private Statement ParseSet()
    {
        SourcePosition position = _tokens.Take().Position;
        AssignmentTarget target = ParseTarget();
        if (_tokens.TrySymbol("="))
        {
            Expression value = _expressions.ParseTupleOrExpression();
            return new Set(EndTag(position), target, value);
        }

        List<FilterApplication> filters = [];
        while (_tokens.TrySymbol("|"))
            filters.Add(_expressions.ParseFilter(null));
        EndTag(position);
        return new SetBlock(position, target, filters, ParseBodyThrough("endset"));
    }

    private AssignmentTarget ParseTarget()
    {
        SourcePosition position = _tokens.Current.Position;
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw position.Error("variables are nested too deeply here.");
        List<AssignmentTarget> items = [];
        bool parenthesised = _tokens.TrySymbol("(");
        do
        {
            items.Add(_tokens.Current.IsSymbol("(") ? ParseTarget() : ParseSingleTarget());
        }
        while (_tokens.TrySymbol(","));

        if (parenthesised)
            _tokens.ExpectSymbol(")");
        return items.Count == 1 ? items[0] : new TupleTarget(position, items);
    }

    private AssignmentTarget ParseSingleTarget()
    {
        Token name = _tokens.Expect(TokenKind.Name, "a variable's name");
        return _tokens.TrySymbol(".")
            ? new NamespaceTarget(name.Position, name.Value, _tokens.Expect(TokenKind.Name, "an attribute's name").Value)
            : new NameTarget(name.Position, name.Value);
    }

    private Macro ParseMacro()
    {
        SourcePosition position = _tokens.Take().Position;
        string name = _tokens.Expect(TokenKind.Name, "the macro's name").Value;
        IReadOnlyList<Parameter> parameters = ParseParameters();
        EndTag(position);
        return new Macro(position, name, parameters, ParseBodyThrough("endmacro"));
    }

    private List<Parameter> ParseParameters()
    {
        List<Parameter> parameters = [];
        _tokens.ExpectSymbol("(");
        while (!_tokens.TrySymbol(")"))
        {
            string name = _tokens.Expect(TokenKind.Name, "a parameter's name").Value;
            parameters.Add(new Parameter(name, _tokens.TrySymbol("=") ? _expressions.Parse() : null));
            if (!_tokens.Current.IsSymbol(")"))
                _tokens.ExpectSymbol(",");
        }

        return parameters;
    }

    private CallBlock ParseCall()
    {
        SourcePosition position = _tokens.Take().Position;
        IReadOnlyList<Parameter> parameters = _tokens.Current.IsSymbol("(") ? ParseParameters() : [];
        if (_expressions.Parse() is not Call call)
            throw position.Error("a call block must call a macro.");
        EndTag(position);
        return new CallBlock(position, new Macro(position, "caller", parameters, ParseBodyThrough("endcall")), call);
    }

    private FilterBlock ParseFilterBlock()
    {
        SourcePosition position = _tokens.Take().Position;
        List<FilterApplication> filters = [];
        do
        {
            filters.Add(_expressions.ParseFilter(null));
        }
        while (_tokens.TrySymbol("|"));

        EndTag(position);
        return new FilterBlock(position, filters, ParseBodyThrough("endfilter"));
    }

    /// <summary>Marks what the assistant wrote, for training; in a rendering it changes nothing.</summary>
    private Block ParseGeneration()
    {
        EndTag(_tokens.Take().Position);
        return ParseBodyThrough("endgeneration");
    }
}
