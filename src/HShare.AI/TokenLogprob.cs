namespace HShare.AI;

/// <summary>A token and how probable the model held it to be, before temperature, penalties and filters.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Text">Its text, special tokens written out; bytes that are only part of a character come out as U+FFFD.</param>
/// <param name="Logprob">Natural logarithm of its probability.</param>
public sealed record TokenLogprob(int Id, string Text, float Logprob)
{
    /// <summary>
    /// The most probable tokens at this place, best first; as many as <see cref="GenerationOptions.TopLogprobs"/> asked for.
    /// </summary>
    public IReadOnlyList<TokenLogprob> Top { get; init; } = [];
}
