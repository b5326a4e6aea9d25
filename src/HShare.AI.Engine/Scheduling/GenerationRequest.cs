using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Sampling.Constraints;

namespace HShare.AI.Engine.Scheduling;

/// <summary>What the engine is asked to do: continue a prompt.</summary>
public sealed record GenerationRequest
{
    private const int MostTopLogprobs = 100;

    /// <summary>The prompt's token ids; at least one.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>Most tokens to generate; null = until the context is full.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>How tokens are drawn.</summary>
    public SamplingParameters Sampling { get; init; } = SamplingParameters.Greedy;

    /// <summary>Ids that end the generation; null = the model's own end-of-sequence ids, empty = none.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>
    /// How many of the most probable tokens to report with each token's log-probability, 0 to 100; null = no log-probabilities.
    /// </summary>
    public int? TopLogprobs { get; init; }

    /// <summary>
    /// What the output must be; null = anything. Stop ids are allowed where it is complete only, and must be given or be the model's own.
    /// Where the output limit comes first, the output is the beginning of such a text and ends with <see cref="GenerationEnd.Length"/>.
    /// </summary>
    public TokenGrammar? Constraint { get; init; }

    /// <summary>
    /// Whose prompts this one may share cached blocks with, under <see cref="PrefixSharing.PerKey"/>; null shares with none.
    /// </summary>
    public string? CacheKey { get; init; }

    /// <summary>
    /// How the answer attends to the cached tokens; null = the engine's default. Prompts are read with full attention, except under pod.
    /// </summary>
    public AttentionPreset? Attention { get; init; }

    /// <summary>
    /// Ids to generate instead of drawing them, one a step, before any are drawn: each is reported with the log-probability that the model
    /// gave it. For
    /// measuring perplexity under an attention preset.
    /// </summary>
    public IReadOnlyList<int> Continuation { get; init; } = [];

    /// <summary>
    /// Whether to sum up the attention that each token gets from the answer (<see cref="Generation.ReadsMass"/>); the engine must have been
    /// created with <see cref="EngineOptions.TracksReads"/>.
    /// </summary>
    public bool TracksReads { get; init; }

    /// <summary>Checks everything that does not depend on the engine's limits.</summary>
    /// <exception cref="ArgumentException">Something is missing or out of range; the message names it.</exception>
    internal void Validate(ModelConfig model)
    {
        ArgumentNullException.ThrowIfNull(Prompt);
        ArgumentNullException.ThrowIfNull(Sampling);
        if (Prompt.Count == 0)
            throw new ArgumentException("Prompt is empty: give at least one token.", nameof(Prompt));
        RequireInVocabulary(Prompt, model, nameof(Prompt));
        RequireInVocabulary(StopIds ?? [], model, nameof(StopIds));
        ArgumentNullException.ThrowIfNull(Continuation);
        RequireInVocabulary(Continuation, model, nameof(Continuation));
        if (Continuation.Count > 0 && (Constraint is not null || MaxOutputTokens < Continuation.Count))
        {
            throw new ArgumentException(
                "Continuation goes with no Constraint, and with no MaxOutputTokens below its length.", nameof(Continuation));
        }

        if (Constraint is not null && (StopIds ?? model.EndOfSequenceIds).Count == 0)
            throw new ArgumentException("A constraint needs a token to end with: give StopIds.", nameof(StopIds));
        if (MaxOutputTokens is < 1)
            throw new ArgumentOutOfRangeException(nameof(MaxOutputTokens), MaxOutputTokens, "MaxOutputTokens must be at least 1.");
        if (TopLogprobs is < 0 or > MostTopLogprobs)
        {
            throw new ArgumentOutOfRangeException(
                nameof(TopLogprobs), TopLogprobs, $"TopLogprobs must lie between 0 and {MostTopLogprobs}.");
        }

        Sampling.Validate();
    }

    private static void RequireInVocabulary(IReadOnlyList<int> ids, ModelConfig model, string name)
    {
        for (int i = 0; i < ids.Count; i++)
        {
            if ((uint)ids[i] >= (uint)model.VocabularySize)
            {
                throw new ArgumentOutOfRangeException(
                    name, ids[i], $"{name}[{i}] is not in the model's vocabulary of {model.VocabularySize} tokens.");
            }
        }
    }
}

/// <summary>Why a generation ended.</summary>
public enum GenerationEnd
{
    /// <summary>The model produced an end-of-sequence or stop id.</summary>
    Stop,

    /// <summary>The output limit or the context was reached.</summary>
    Length,
}

/// <summary>One generated token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="End">
/// Why the generation ended with this token, or null where it goes on. A stop id is reported too: its text is not part of the answer.
/// </param>
/// <param name="Logprobs">Log-probabilities, where they were asked for.</param>
public readonly record struct GeneratedToken(int Id, GenerationEnd? End, TokenLogprobs? Logprobs);

/// <summary>Log-probabilities of one step, of the model's own distribution (before temperature, penalties and filters).</summary>
/// <param name="Logprob">Of the chosen token.</param>
/// <param name="Top">The most probable tokens, best first.</param>
public sealed record TokenLogprobs(float Logprob, IReadOnlyList<(int Id, float Logprob)> Top);
