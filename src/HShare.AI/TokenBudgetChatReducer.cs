using HShare.AI.Engine;
using HShare.AI.Hosting;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// Shortens a conversation until its prompt and the answer asked for fit a number of tokens. It keeps system messages, whatever they hold
/// (a document, for instance), and the newest turns; a function call and the results behind it stay or go together.
/// </summary>
/// <remarks>
/// The oldest turns go first: a user's message and everything up to the next one. Where the newest turn alone is too long, its oldest
/// rounds of calls go too: the user's message and the newest round stay. Every prompt is counted as a request would have it
/// (<see cref="HShareChatClient.CountTokensAsync"/>): once where the conversation fits, else some times more. Thread-safe.
/// </remarks>
public sealed class TokenBudgetChatReducer : IChatReducer
{
    private readonly HShareChatClient _client;
    private readonly int? _maxTokens;
    private readonly ChatOptions? _options;

    /// <summary>A reducer for requests to one client.</summary>
    /// <param name="client">The client that will be asked.</param>
    /// <param name="maxTokens">Most tokens of prompt and answer together, at least 2; null = what the client's context holds, which is
    /// also the most that any number allows.</param>
    /// <param name="options">The options of the requests: their instructions and tools count, and their
    /// <see cref="ChatOptions.MaxOutputTokens"/> is kept free for the answer (null = 1).</param>
    public TokenBudgetChatReducer(HShareChatClient client, int? maxTokens = null, ChatOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        if (maxTokens < 2)
            throw new ArgumentOutOfRangeException(nameof(maxTokens), maxTokens, "maxTokens must be at least 2: a prompt and an answer.");

        _client = client;
        _maxTokens = maxTokens;
        _options = options?.Clone();
    }

    /// <inheritdoc/>
    /// <returns>The messages that stay, in their order; the same objects.</returns>
    /// <exception cref="PromptTooLongException">Even the shortest conversation that is left does not fit.</exception>
    /// <inheritdoc cref="HShareChatClient.GetResponseAsync" path="/exception"/>
    public async Task<IEnumerable<ChatMessage>> ReduceAsync(IEnumerable<ChatMessage> messages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatMessage[] all = [.. messages];
        if (all.Length == 0)
            return all;

        int output = _options?.MaxOutputTokens ?? 1;
        LoadedModel model = await _client.Model.GetAsync(cancellationToken).ConfigureAwait(false);
        int limit = Math.Min(_maxTokens ?? int.MaxValue, model.Engine.Options.MaxContext!.Value);
        if (await CountAsync(all).ConfigureAwait(false) <= limit - output)
            return all;

        // The candidates grow shorter, so the first that fits is found by halving.
        List<ChatMessage[]> candidates = [.. Shorten(all)];
        int low = 0, high = candidates.Count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (await CountAsync(candidates[middle]).ConfigureAwait(false) <= limit - output)
                high = middle;
            else
                low = middle + 1;
        }

        int shortest = await CountAsync(candidates[low]).ConfigureAwait(false);
        return shortest <= limit - output
            ? candidates[low]
            : throw new PromptTooLongException(shortest, output, limit, "the token budget of the shortened conversation");

        Task<int> CountAsync(ChatMessage[] candidate) => _client.CountTokensAsync(candidate, _options, cancellationToken);
    }

    /// <summary>Every conversation that may be left of one, from the longest, which is the whole, to the shortest.</summary>
    private static IEnumerable<ChatMessage[]> Shorten(ChatMessage[] messages)
    {
        int[] parts = Divide(messages, out int newest);
        int last = parts.Max();
        for (int dropped = 0; dropped <= Math.Max(0, last - (newest < last ? 1 : 0)); dropped++)
        {
            int end = dropped <= newest ? dropped : dropped + 1; // behind the parts dropped, of which the newest turn's beginning is none
            yield return [.. messages.Where((_, i) => parts[i] < 0 || parts[i] == newest || parts[i] >= end)];
        }
    }

    /// <summary>
    /// The part that each message belongs to, from 0 on; -1 for system messages. A part is a turn, but of the newest turn its beginning
    /// and each round of an answer are parts of their own.
    /// </summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="newest">The part that begins the newest turn.</param>
    private static int[] Divide(ChatMessage[] messages, out int newest)
    {
        int newestTurn = Array.FindLastIndex(messages, message => BeginsTurn(message));
        while (newestTurn > 0 && BeginsTurn(messages[newestTurn - 1]))
            newestTurn--; // several messages of the user in a row begin one turn

        var parts = new int[messages.Length];
        int part = 0;
        ChatMessage? previous = null;
        newest = 0;
        for (int i = 0; i < messages.Length; i++)
        {
            ChatMessage message = messages[i];
            if (message.Role == ChatRole.System)
            {
                parts[i] = -1;
                continue;
            }

            bool begins = BeginsTurn(message)
                ? previous is not null && !BeginsTurn(previous)
                : i > newestTurn && message.Role == ChatRole.Assistant;
            part += begins && previous is not null ? 1 : 0;
            parts[i] = part;
            newest = i == newestTurn ? part : newest;
            previous = message;
        }

        return parts;
    }

    private static bool BeginsTurn(ChatMessage message) =>
        message.Role == ChatRole.User && !message.Contents.Any(content => content is FunctionResultContent);
}
