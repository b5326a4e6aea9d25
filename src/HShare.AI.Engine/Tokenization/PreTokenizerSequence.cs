namespace HShare.AI.Engine.Tokenization;

/// <summary>Pre-tokenizers one after the other, each splitting the words of the one before.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Split(ReadOnlyMemory<char> text, bool atStart, List<ReadOnlyMemory<char>> words)
    {
        List<ReadOnlyMemory<char>> current = [text];
        foreach (PreTokenizer step in steps)
        {
            List<ReadOnlyMemory<char>> next = new(current.Count);
            for (int i = 0; i < current.Count; i++)
                step.Split(current[i], atStart && i == 0, next);
            current = next;
        }

        words.AddRange(current);
    }
}
