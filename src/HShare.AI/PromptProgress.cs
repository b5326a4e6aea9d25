namespace HShare.AI;

/// <summary>How much of a prompt the model has read.</summary>
/// <param name="TokensRead">Tokens read so far, those found in the prefix cache included.</param>
/// <param name="TotalTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Tokens that were found in the prefix cache.</param>
public readonly record struct PromptProgress(int TokensRead, int TotalTokens, int CachedTokens);
