using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.StructuredOutput;

/// <summary>
/// The grammars of one model's answers, kept from request to request: most apps ask for a few forms again and again. Thread-safe.
/// </summary>
internal sealed class AnswerGrammars(Tokenizer tokenizer)
{
    /// <summary>Grammars kept; one more, and all are made anew as they are asked for.</summary>
    private const int MaxKept = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, TokenGrammar> _kept = new(StringComparer.Ordinal);
    private readonly Lazy<TokenTrie> _vocabulary = new(() => TokenTrie.Of(tokenizer));

    /// <summary>The grammar of an answer.</summary>
    /// <param name="form">What it must be.</param>
    /// <param name="format">How the model writes calls; needed where there are tools.</param>
    /// <param name="templateSource">The template that shows the model its calls.</param>
    /// <param name="reasoning">The marks around what the model thinks first; null where it does not.</param>
    /// <param name="thinking">Whether that may come before it.</param>
    public TokenGrammar For(
        AnswerForm form, ToolCallFormat? format, string templateSource, ReasoningMarks? reasoning, ThinkingFirst thinking)
    {
        string key = $"{format} {reasoning} {thinking}\n{form.Key}";
        lock (_gate)
        {
            if (_kept.TryGetValue(key, out TokenGrammar? known))
                return known;
        }

        var grammar = new TokenGrammar(
            Grammar.Compile(Describe(form, format, templateSource, reasoning, thinking)), _vocabulary.Value);
        lock (_gate)
        {
            if (_kept.Count >= MaxKept)
                _kept.Clear();
            return _kept[key] = grammar;
        }
    }

    private GrammarPart.Sequence Describe(
        AnswerForm form, ToolCallFormat? format, string templateSource, ReasoningMarks? reasoning, ThinkingFirst thinking)
    {
        List<GrammarPart> bodies = [];
        if (form.Answer is not null)
            bodies.Add(form.Answer);
        if (form.Tools.Count > 0)
            bodies.Add(new CallGrammar(format!.Value, Mark, templateSource).Of(form.Tools, form.AllowsMultipleCalls));

        List<GrammarPart> parts = [];
        if (tokenizer.DropsFirstSpace) // the first word's, which is no part of the text
            parts.Add(new GrammarPart.Optional(new GrammarPart.Literal(" ")));
        if (reasoning is not null && thinking == ThinkingFirst.IsOpen)
            parts.Add(ThoughtUntil(reasoning.Closing));
        if (reasoning is not null && thinking == ThinkingFirst.Allowed)
            parts.Add(new GrammarPart.Optional(new GrammarPart.Sequence(Mark(reasoning.Opening), ThoughtUntil(reasoning.Closing))));
        parts.Add(new GrammarPart.Choice(bodies));
        return new GrammarPart.Sequence(parts);
    }

    /// <summary>Free text up to the mark, and the line ends that models write behind it.</summary>
    private GrammarPart.Sequence ThoughtUntil(string closing) => new(
        Mark(closing) is GrammarPart.Token token
            ? new GrammarPart.Sequence(new GrammarPart.TextUntil(""), token)
            : new GrammarPart.TextUntil(closing),
        new GrammarPart.Pattern("[ \\n]{0,3}"));

    private GrammarPart Mark(string text) => tokenizer.FindToken(text) is { } id && tokenizer.IsAdded(id)
        ? new GrammarPart.Token(id)
        : new GrammarPart.Literal(text);
}

/// <summary>Whether an answer may begin with reasoning.</summary>
internal enum ThinkingFirst
{
    /// <summary>No.</summary>
    Not,

    /// <summary>If the model likes.</summary>
    Allowed,

    /// <summary>The prompt has opened it already.</summary>
    IsOpen,
}
