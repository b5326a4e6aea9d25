using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Compute;

/// <summary>How the KV heads of a layer choose critical tokens.</summary>
/// <param name="Retriever">How importance is estimated; not <see cref="Retriever.None"/>.</param>
/// <param name="Asks">[kv_heads]: which heads choose; the others borrow.</param>
/// <param name="Dilation">How many tokens behind each chosen token or page are taken with it.</param>
/// <param name="Destination">Where the choices go: each asking head's own list.</param>
/// <param name="Scores">
/// float32 [max_sequences * kv_heads, tokens]: working memory. Row s * kv_heads + h keeps what head h of the step's sequence s thinks of
/// each token
/// (of each page, under page bounds) until the next call.
/// </param>
/// <param name="Mass">
/// Under <see cref="Retriever.Accumulated"/>, the attention that each token has got so far, float32 [slots * kv_heads, tokens]; tokens that
/// are not
/// chosen are marked with -1 and never come back.
/// </param>
public sealed record Retrieval(
    Retriever Retriever, IReadOnlyList<bool> Asks, int Dilation, SelectedTokens Destination, Tensor Scores, Tensor Mass);
