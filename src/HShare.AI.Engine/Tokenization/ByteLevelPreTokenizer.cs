namespace HShare.AI.Engine.Tokenization;

/// <summary>
/// GPT-2's pre-tokenizer: its expression, and a space before the text, each where asked for. That words become bytes is left to
/// <see cref="BytePairEncoding"/>, which does it only for words that it has not met.
/// </summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    private readonly SplitPreTokenizer? _split =
        useRegex ? new(CodePointPattern.Of(WordPatterns.Gpt2Regex()), SplitBehavior.Isolated, invert: false) : null;

    /// <inheritdoc/>
    public override void Split(ReadOnlyMemory<char> text, bool atStart, List<ReadOnlyMemory<char>> words)
    {
        if (addPrefixSpace && text.Span[0] != ' ')
            text = string.Concat(" ", text.Span).AsMemory();
        if (_split is null)
            words.Add(text);
        else
            _split.Split(text, atStart, words);
    }
}
