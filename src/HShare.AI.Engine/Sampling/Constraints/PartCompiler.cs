using HShare.AI.Engine.Sampling.Constraints.Json;
using HShare.AI.Engine.Sampling.Constraints.Patterns;

namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>Turns the description of a text into states and edges.</summary>
internal sealed class PartCompiler
{
    private readonly GrammarBuilder _builder;
    private readonly CharacterRules _plain;
    private readonly JsonRules _json;
    private readonly List<JsonSchemaCompiler> _schemas = [];

    /// <summary>A compiler that adds to a grammar.</summary>
    public PartCompiler(GrammarBuilder builder)
    {
        _builder = builder;
        _plain = new CharacterRules(builder, inJson: false);
        _json = new JsonRules(builder);
    }

    /// <summary>Adds ways that take what a part describes.</summary>
    public void Emit(int from, int to, GrammarPart part)
    {
        switch (part)
        {
            case GrammarPart.Literal literal:
                _builder.AddText(from, to, literal.Text);
                break;
            case GrammarPart.Token token:
                _builder.AddToken(from, to, token.Id);
                break;
            case GrammarPart.Sequence sequence:
                foreach (GrammarPart next in sequence.Parts)
                    Emit(from, from = _builder.AddState(), next);
                _builder.AddEmpty(from, to);
                break;
            case GrammarPart.Choice choice:
                foreach (GrammarPart one in choice.Parts)
                    Emit(from, to, one);
                break;
            case GrammarPart.Optional optional:
                Emit(from, to, optional.Part);
                _builder.AddEmpty(from, to);
                break;
            case GrammarPart.Repeated repeated:
                int begin = _builder.AddState(), end = _builder.AddState();
                _builder.AddEmpty(from, begin);
                Emit(begin, end, repeated.Part);
                Emit(end, begin, repeated.Separator);
                _builder.AddEmpty(end, to);
                break;
            case GrammarPart.Pattern pattern:
                _plain.Add(from, to, PatternParser.Parse(pattern.Expression, isAnchored: true));
                break;
            case GrammarPart.TextUntil { Ending: "" }:
                int text = _builder.AddState();
                _builder.AddEmpty(from, text);
                _plain.Add(text, text, CharacterSet.All);
                _builder.AddEmpty(text, to);
                break;
            case GrammarPart.TextUntil until:
                _plain.Add(from, to, CharacterAutomaton.Until(until.Ending));
                break;
            case GrammarPart.Json json:
                var compiler = new JsonSchemaCompiler(_builder, _json, json.Schema, json.Name);
                _schemas.Add(compiler);
                compiler.Emit(from, to);
                break;
            default:
                throw new NotSupportedException($"A grammar cannot hold a {part.GetType().Name}.");
        }
    }

    /// <summary>The error of a grammar without a text.</summary>
    public ArgumentException Unsatisfiable()
    {
        string reason = _schemas.Select(schema => schema.Contradiction).FirstOrDefault(contradiction => contradiction is not null)
            ?? $"nothing satisfies it, or only values nested more than {Grammar.MaxDepth} deep.";
        return new ArgumentException($"{_schemas.FirstOrDefault()?.Name ?? "The grammar"} cannot be satisfied: {reason}");
    }
}
