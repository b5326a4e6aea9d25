namespace HShare.AI.Engine.Tokenization;

/// <summary>Splits a text into words, over whose borders nothing merges.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Splits a text and adds its words to <paramref name="words"/>.</summary>
    /// <param name="text">The text, not empty.</param>
    /// <param name="atStart">Whether the text stands at the very start of what is encoded.</param>
    /// <param name="words">Where the words go, in order.</param>
    public abstract void Split(ReadOnlyMemory<char> text, bool atStart, List<ReadOnlyMemory<char>> words);

    /// <summary>Reads a <c>pre_tokenizer</c>.</summary>
    public static PreTokenizer Read(JsonPart part) => part.Type switch
    {
        "Sequence" => new PreTokenizerSequence([.. part.Items("pretokenizers").Select(Read)]),
        "Split" => new SplitPreTokenizer(
            CodePointPattern.Read(part.Member("pattern")), SplitPreTokenizer.ReadBehavior(part), part.Flag("invert")),
        "Digits" => new SplitPreTokenizer(
            CodePointPattern.Of(WordPatterns.Number()),
            part.Flag("individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous,
            invert: false),
        "ByteLevel" => new ByteLevelPreTokenizer(part.Flag("add_prefix_space", absent: true), part.Flag("use_regex", absent: true)),
        "Metaspace" => MetaspacePreTokenizer.Read(part),
        string type => throw part.Unsupported($"the pre-tokenizer {type}"),
    };

    /// <summary>Whether words are handed on as bytes, in a <c>pre_tokenizer</c> that is one ByteLevel or ends with one.</summary>
    public static bool IsByteLevel(JsonPart part)
    {
        if (part.Type != "Sequence")
            return part.Type == "ByteLevel";
        List<JsonPart> steps = part.Items("pretokenizers");
        for (int i = 0; i + 1 < steps.Count; i++)
        {
            if (IsByteLevel(steps[i]))
                throw steps[i].Unsupported("a ByteLevel pre-tokenizer before others");
        }

        return steps.Count > 0 && IsByteLevel(steps[^1]);
    }
}
