using HShare.AI;
using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;

namespace LongDocumentRag;

/// <summary>
/// The prompt of a series of questions. It grows at its end only: passages that an earlier question brought stay where they are, and a new
/// question adds those that are missing. So whatever has been read once is found in the prefix cache.
/// </summary>
internal sealed class GrowingPrompt(HShareChatClient client, ChatOptions options)
{
    private const string Instruction = "Answer only from the document. If the answer is not in it, say: The document does not say.";

    private readonly List<Passage> _passages = [];

    /// <summary>Passages in the prompt.</summary>
    public int PassageCount => _passages.Count;

    /// <summary>The messages that ask a question.</summary>
    /// <param name="question">The question.</param>
    /// <param name="best">The passages it needs, best first. Where they do not fit the context, the worst are left out.</param>
    /// <param name="cancellationToken">Ends the counting.</param>
    public async Task<ChatMessage[]> AskAsync(string question, IReadOnlyList<Passage> best, CancellationToken cancellationToken)
    {
        _passages.AddRange(best.Except(_passages));
        if (!await FitsAsync())
        {
            _passages.Clear(); // the context is full: begin anew with what this question needs
            _passages.AddRange(best);
        }

        while (_passages.Count > 0 && !await FitsAsync())
            _passages.RemoveAt(_passages.Count - 1);
        return Messages(question);

        async Task<bool> FitsAsync()
        {
            int prompt = await client.CountTokensAsync(Messages(question), options, cancellationToken);
            return prompt + options.MaxOutputTokens <= client.GetRequiredService<InferenceEngine>().Options.MaxContext;
        }
    }

    private ChatMessage[] Messages(string question) =>
    [
        new(ChatRole.System, $"{Instruction}\n<document>\n{string.Join("\n\n", _passages.Select(passage => passage.Text))}\n</document>"),
        new(ChatRole.User, question),
    ];
}
