using HShare.AI;
using HShare.AI.Engine.Tokenization;

namespace HShare.Cli.Conversation;

/// <summary>A passage of a document that an answer attended to.</summary>
/// <param name="Text">The passage.</param>
/// <param name="Share">Its share of the attention that the document got from the answer.</param>
/// <param name="FirstToken">Its first token's place in the prompt.</param>
/// <param name="Depth">Where in the document it begins, 0 = start, 1 = end.</param>
internal sealed record ReadPassage(string Text, double Share, int FirstToken, double Depth)
{
    private const int PassageTokens = 32;
    private const int FirstTokens = 16;   // of the prompt: they get attention for no reason of what they say,
    private const int RecentTokens = 128; // and so do the last ones

    /// <summary>The passages that got most, best first; they do not overlap.</summary>
    /// <param name="reads">Where the attention went.</param>
    /// <param name="document">The document's text, as it stands in the prompt.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="count">Most passages.</param>
    /// <returns>None where the document is not found in the prompt.</returns>
    public static IReadOnlyList<ReadPassage> Most(AttentionReads reads, string document, Tokenizer tokenizer, int count)
    {
        (int first, int end) = Locate(reads.TokenIds, document, tokenizer);
        first = Math.Max(first, FirstTokens);
        end = Math.Min(end, reads.TokenIds.Count - RecentTokens);
        if (end - first < 1)
            return [];

        double[] sums = new double[end - first + 1];
        for (int token = first; token < end; token++)
            sums[token - first + 1] = sums[token - first] + Math.Max(0, reads.Mass[token]);
        List<(int Start, int End)> taken = [];
        while (taken.Count < count && Best(sums, taken) is { } best)
            taken.Add(best);

        return [.. taken.Select(passage => new ReadPassage(
            OneLine(tokenizer.Decode([.. reads.TokenIds.Skip(first + passage.Start).Take(passage.End - passage.Start)])),
            (sums[passage.End] - sums[passage.Start]) / Math.Max(sums[^1], double.Epsilon),
            first + passage.Start,
            (double)passage.Start / (end - first)))];
    }

    // The window with most attention that touches none of those taken.
    private static (int Start, int End)? Best(double[] sums, List<(int Start, int End)> taken)
    {
        (int Start, int End)? best = null;
        double most = 0;
        for (int start = 0; start < sums.Length - 1; start++)
        {
            int end = Math.Min(start + PassageTokens, sums.Length - 1);
            double sum = sums[end] - sums[start];
            if (sum > most && !taken.Exists(other => start < other.End && other.Start < end))
                (best, most) = ((start, end), sum);
        }

        return best;
    }

    // Which tokens of the prompt spell the document: by their text, for tokens at its edges may hold more.
    private static (int First, int End) Locate(IReadOnlyList<int> ids, string document, Tokenizer tokenizer)
    {
        string[] texts = [.. ids.Select(id => tokenizer.Decode([id]))];
        int[] ends = new int[texts.Length];
        int length = 0;
        for (int i = 0; i < texts.Length; i++)
            ends[i] = length += texts[i].Length;
        string opening = document[..Math.Min(40, document.Length)], closing = document[^Math.Min(40, document.Length)..];
        string prompt = string.Concat(texts);
        int start = prompt.IndexOf(opening, StringComparison.Ordinal);
        int last = start < 0 ? -1 : prompt.LastIndexOf(closing, StringComparison.Ordinal);
        if (last < 0)
            return (0, 0);

        int stop = last + closing.Length;
        return (Array.FindIndex(ends, end => end > start), Array.FindIndex(ends, end => end >= stop) + 1);
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
