namespace HShare.AI.Engine.Tokenization;

/// <summary>Rewrites a text before it is split into words.</summary>
internal abstract class Normalizer
{
    /// <summary>The text in its normal form.</summary>
    public abstract string Normalize(string text);

    /// <summary>Reads a <c>normalizer</c>.</summary>
    public static Normalizer Read(JsonPart part) => part.Type switch
    {
        "Sequence" => new NormalizerSequence([.. part.Items("normalizers").Select(Read)]),
        "NFC" => new NfcNormalizer(),
        "Prepend" => new PrependNormalizer(part.Text("prepend")),
        "Replace" => new ReplaceNormalizer(CodePointPattern.Read(part.Member("pattern")), part.Text("content")),
        string type => throw part.Unsupported($"the normalizer {type}"),
    };
}

/// <summary>Normalisers one after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> steps) : Normalizer
{
    /// <inheritdoc/>
    public override string Normalize(string text)
    {
        foreach (Normalizer step in steps)
            text = step.Normalize(text);
        return text;
    }
}

/// <summary>Unicode's normal form C.</summary>
internal sealed class NfcNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override string Normalize(string text) => CanonicalComposition.Compose(text);
}

/// <summary>Puts something before a text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    /// <inheritdoc/>
    public override string Normalize(string text) => text.Length == 0 ? text : prefix + text;
}

/// <summary>Replaces what a pattern finds.</summary>
internal sealed class ReplaceNormalizer(CodePointPattern pattern, string content) : Normalizer
{
    /// <inheritdoc/>
    public override string Normalize(string text) => pattern.Replace(text, content);
}
