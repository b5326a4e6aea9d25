using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// What <see cref="ChatOptions"/> has no property for. Give it with
/// <c>options.RawRepresentationFactory = _ =&gt; new GenerationOptions { MinP = 0.05f }</c>, or, all but
/// <see cref="PromptProgress"/> and <see cref="AttentionReads"/>, as <see cref="ChatOptions.AdditionalProperties"/> under the names in
/// <see cref="GenerationOptionKeys"/>.
/// </summary>
/// <remarks>
/// Where both give a value, the one given here counts. A response cache that hashes the options as JSON sees
/// <see cref="ChatOptions.AdditionalProperties"/> but not <see cref="ChatOptions.RawRepresentationFactory"/>: under such a cache, put there
/// what changes the answer.
/// </remarks>
public sealed record GenerationOptions
{
    /// <summary>Drops tokens less probable than this share of the most probable one, 0 to 1; null = the model's default.</summary>
    public float? MinP { get; init; }

    /// <summary>
    /// Makes tokens seen in prompt or answer less probable: their positive logits are divided by this, negative ones multiplied.
    /// Above 0; 1 = off; null = the model's default.
    /// </summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>
    /// Whether to report how probable each token was. Each streaming update then has the list of its tokens
    /// (<c>IReadOnlyList&lt;</c><see cref="TokenLogprob"/><c>&gt;</c>) as its RawRepresentation; the last update, and so the message of a
    /// response, has the list of all of them in AdditionalProperties under <see cref="GenerationOptionKeys.Logprobs"/>.
    /// </summary>
    public bool? Logprobs { get; init; }

    /// <summary>
    /// How many of the most probable tokens to report at each place, 0 to 20. Turns <see cref="Logprobs"/> on where that is null.
    /// </summary>
    public int? TopLogprobs { get; init; }

    /// <summary>
    /// Whose prompts this one may share cached blocks with, where <see cref="HShareOptions.PrefixSharing"/> is
    /// <see cref="PrefixSharing.PerKey"/>.
    /// </summary>
    public string? CacheKey { get; init; }

    /// <summary>Whether to go on past the model's end of sequence, up to the output limit: for measuring speed.</summary>
    public bool? IgnoreEndOfSequence { get; init; }

    /// <summary>
    /// How this answer attends to the cached tokens; null = as <see cref="HShareOptions.Attention"/> says. As an additional property it is
    /// a preset's
    /// text. What pod stores is fixed when the model is loaded.
    /// </summary>
    public AttentionPreset? Attention { get; init; }

    /// <summary>
    /// Told, once the answer has ended on its own, which tokens of the prompt it attended to; <see cref="HShareOptions.TracksAttention"/>
    /// must be set. An
    /// answer that is cut by a stop text tells nothing.
    /// </summary>
    public IProgress<AttentionReads>? AttentionReads { get; init; }

    /// <summary>Told how much of the prompt has been read, some ten times a second, until the first token comes; at least once.</summary>
    public IProgress<PromptProgress>? PromptProgress { get; init; }
}
