using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// Keys of <see cref="ChatOptions.AdditionalProperties"/> that <see cref="HShareChatClient"/> reads. Values may be numbers of any type
/// (whole where a whole number is meant), Booleans, strings that spell them, or <see cref="System.Text.Json.JsonElement"/>s.
/// </summary>
/// <remarks>
/// Other libraries put keys of their own there, so an unknown key is left alone (and logged at Debug); an unknown key that starts with
/// <see cref="Prefix"/> is refused, for it can only be a mistake.
/// </remarks>
public static class GenerationOptionKeys
{
    /// <summary>Start of the keys that belong to this library alone.</summary>
    public const string Prefix = "hshare.";

    /// <summary>See <see cref="GenerationOptions.MinP"/>.</summary>
    public const string MinP = "min_p";

    /// <summary>See <see cref="GenerationOptions.RepetitionPenalty"/>.</summary>
    public const string RepetitionPenalty = "repetition_penalty";

    /// <summary>
    /// See <see cref="GenerationOptions.Logprobs"/>. A message's additional properties hold the result under the same key.
    /// </summary>
    public const string Logprobs = "logprobs";

    /// <summary>See <see cref="GenerationOptions.TopLogprobs"/>.</summary>
    public const string TopLogprobs = "top_logprobs";

    /// <summary>See <see cref="GenerationOptions.CacheKey"/>.</summary>
    public const string CacheKey = Prefix + "cache_key";

    /// <summary>See <see cref="GenerationOptions.IgnoreEndOfSequence"/>.</summary>
    public const string IgnoreEndOfSequence = Prefix + "ignore_end_of_sequence";

    /// <summary>See <see cref="GenerationOptions.Attention"/>; a preset's text, such as <c>hshare:1/2-1-1/4,budget=512</c>.</summary>
    public const string Attention = Prefix + "attention";

    internal static readonly HashSet<string> All = new(StringComparer.OrdinalIgnoreCase)
    {
        MinP, RepetitionPenalty, Logprobs, TopLogprobs, CacheKey, IgnoreEndOfSequence, Attention,
    };
}
