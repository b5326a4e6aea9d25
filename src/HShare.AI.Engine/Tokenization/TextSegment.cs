namespace HShare.AI.Engine.Tokenization;

/// <summary>A piece of a text to encode.</summary>
/// <param name="Text">The characters.</param>
/// <param name="SpecialTokens">Whether special tokens in it are meant, or are the plain characters a user wrote.</param>
public readonly record struct TextSegment(string Text, bool SpecialTokens);
