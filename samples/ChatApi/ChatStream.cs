using System.Net.ServerSentEvents;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace ChatApi;

/// <summary>An answer as server-sent events: <c>text</c> for each piece, then <c>done</c> with the usage, or <c>error</c>.</summary>
internal static class ChatStream
{
    /// <summary>
    /// Starts an answer. Waits for its first piece, so that an error which comes before it is a status code and no event.
    /// </summary>
    public static async Task<IAsyncEnumerable<SseItem<string>>> StartAsync(
        IAsyncEnumerable<ChatResponseUpdate> updates, CancellationToken cancellationToken)
    {
        IAsyncEnumerator<ChatResponseUpdate> enumerator = updates.GetAsyncEnumerator(cancellationToken);
        try
        {
            await enumerator.MoveNextAsync();
            return ReadAsync(enumerator);
        }
        catch
        {
            await enumerator.DisposeAsync();
            throw;
        }
    }

    private static async IAsyncEnumerable<SseItem<string>> ReadAsync(IAsyncEnumerator<ChatResponseUpdate> enumerator)
    {
        await using (enumerator) // also where the caller hangs up: the request's cache blocks are free at once
        {
            List<ChatResponseUpdate> all = [];
            SseItem<string>? error = null;
            for (bool more = true; more; (more, error) = await MoveAsync(enumerator))
            {
                all.Add(enumerator.Current);
                if (enumerator.Current.Text is { Length: > 0 } text)
                    yield return Event("text", text);
            }

            yield return error ?? Event("done", ChatAnswer.From(all.ToChatResponse()) with { Text = "" });
        }
    }

    private static async Task<(bool More, SseItem<string>? Error)> MoveAsync(IAsyncEnumerator<ChatResponseUpdate> enumerator)
    {
        try
        {
            return (await enumerator.MoveNextAsync(), null);
        }
        catch (Exception error) when (ChatErrors.StatusOf(error) is not null)
        {
            return (false, Event("error", error.Message)); // the status code is long sent
        }
    }

    private static SseItem<string> Event<T>(string type, T data) => new(JsonSerializer.Serialize(data, JsonSerializerOptions.Web), type);
}
