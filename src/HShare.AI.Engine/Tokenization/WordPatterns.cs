using System.Text.RegularExpressions;

namespace HShare.AI.Engine.Tokenization;

/// <summary>
/// The expressions with which well-known tokenizers split words, compiled with this library instead of at load. They are as published, but
/// for the long s: where case is ignored, other engines take U+017F for an s, and .NET does not.
/// </summary>
internal static partial class WordPatterns
{
    /// <summary>GPT-2's, and what a ByteLevel pre-tokenizer splits with.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string ContractionsWithLongS = "(?i:'[sſ]|'t|'re|'ve|'m|'ll|'d)";
    private const string Letters = @"|[^\r\n\p{L}\p{N}]?\p{L}+";
    private const string Rest = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The compiled form of a pattern, or null if it is not a well-known one.</summary>
    public static Regex? Find(string pattern) => pattern switch
    {
        Gpt2 => Gpt2Regex(),
        Contractions + Letters + @"|\p{N}{1,3}" + Rest => Llama3Regex(),
        Contractions + Letters + @"|\p{N}" + Rest => Qwen2Regex(),
        _ => null,
    };

    /// <summary>The compiled form of <see cref="Gpt2"/>.</summary>
    [GeneratedRegex(Gpt2, RegexOptions.CultureInvariant)]
    public static partial Regex Gpt2Regex();

    /// <summary>One number character.</summary>
    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    public static partial Regex Number();

    [GeneratedRegex(ContractionsWithLongS + Letters + @"|\p{N}{1,3}" + Rest, RegexOptions.CultureInvariant)]
    private static partial Regex Llama3Regex();

    [GeneratedRegex(ContractionsWithLongS + Letters + @"|\p{N}" + Rest, RegexOptions.CultureInvariant)]
    private static partial Regex Qwen2Regex();
}
