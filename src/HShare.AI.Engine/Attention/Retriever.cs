namespace HShare.AI.Engine.Attention;

/// <summary>How a cached token's importance for a query is estimated.</summary>
/// <remarks>
/// A KV head's query heads choose together (grouped-query attention saves bytes only if the whole group reads one set): what each of them
/// thinks of a token goes through a softmax first and is then summed, so that the heads' scores can be compared.
/// </remarks>
public enum Retriever
{
    /// <summary>None: nothing is read between sinks and window (StreamingLLM).</summary>
    None,

    /// <summary>The attention itself: every key is read.</summary>
    Exact,

    /// <summary>
    /// The product over the few channels that matter most, kept apart for this (DoubleSparse): channels / head_dim of the keys are read.
    /// </summary>
    LabelChannels,

    /// <summary>
    /// An upper bound by pages of 16 tokens from the least and largest key elements (Quest): 2/16 of the keys' bytes are read.
    /// </summary>
    PageBounds,

    /// <summary>The attention a token has received so far (H2O); what was not chosen once never comes back. No key is read.</summary>
    Accumulated,
}
