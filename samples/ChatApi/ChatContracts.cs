using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace ChatApi;

/// <summary>What a caller sends.</summary>
/// <param name="Messages">The whole conversation.</param>
/// <param name="MaxOutputTokens">Most tokens of the answer; null = what the context has room for.</param>
/// <param name="Temperature">0 = greedy; null = as the model's defaults have it.</param>
public sealed record ChatRequest(
    [property: JsonRequired] IReadOnlyList<ChatTurn> Messages, int? MaxOutputTokens = null, float? Temperature = null)
{
    /// <summary>The conversation as the client takes it.</summary>
    public IEnumerable<ChatMessage> ToMessages() => Messages.Select(turn => new ChatMessage(new ChatRole(turn.Role), turn.Content));

    /// <summary>The options as the client takes them.</summary>
    public ChatOptions ToOptions() => new() { MaxOutputTokens = MaxOutputTokens, Temperature = Temperature };
}

/// <summary>One message.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Its text.</param>
public sealed record ChatTurn([property: JsonRequired] string Role, [property: JsonRequired] string Content);

/// <summary>A whole answer.</summary>
/// <param name="Text">What the model wrote.</param>
/// <param name="FinishReason"><c>stop</c> or <c>length</c>.</param>
/// <param name="InputTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Those of them that were found in the prefix cache.</param>
/// <param name="OutputTokens">Tokens of the answer.</param>
public sealed record ChatAnswer(string Text, string? FinishReason, long? InputTokens, long? CachedTokens, long? OutputTokens)
{
    /// <summary>An answer from the client's response.</summary>
    public static ChatAnswer From(ChatResponse response) => new(
        response.Text, response.FinishReason?.Value, response.Usage?.InputTokenCount, response.Usage?.CachedInputTokenCount,
        response.Usage?.OutputTokenCount);
}
