namespace HShare.AI.Engine.Tokenization;

/// <summary>The ids that a <c>post_processor</c> puts around an encoded text.</summary>
/// <param name="Before">Those before it.</param>
/// <param name="Behind">Those behind it.</param>
internal sealed record SpecialTokenTemplate(IReadOnlyList<int> Before, IReadOnlyList<int> Behind)
{
    /// <summary>Nothing is put around the text.</summary>
    public static readonly SpecialTokenTemplate Nothing = new([], []);

    /// <summary>Reads a <c>post_processor</c>.</summary>
    public static SpecialTokenTemplate Read(JsonPart part, Vocabulary vocabulary) => part.Type switch
    {
        "TemplateProcessing" => ReadTemplate(part, vocabulary),
        "Sequence" => part.Items("processors").Aggregate(Nothing, (inner, step) => Read(step, vocabulary).Around(inner)),
        "ByteLevel" => Nothing, // it only moves offsets, which are not kept
        string type => throw part.Unsupported($"the post-processor {type}"),
    };

    private SpecialTokenTemplate Around(SpecialTokenTemplate inner) => new([.. Before, .. inner.Before], [.. inner.Behind, .. Behind]);

    private static SpecialTokenTemplate ReadTemplate(JsonPart part, Vocabulary vocabulary)
    {
        List<int> before = [];
        List<int> behind = [];
        bool textSeen = false;
        foreach (JsonPart piece in part.Items("single"))
        {
            if (piece.Optional("SpecialToken") is { } token)
                (textSeen ? behind : before).AddRange(Ids(part, token.Text("id"), vocabulary));
            else if (piece.Optional("Sequence") is { } sequence && sequence.Text("id") == "A" && !textSeen)
                textSeen = true;
            else
                throw piece.Unsupported("a template that is not one text among special tokens");
        }

        return textSeen ? new(before, behind) : throw part.Member("single").Unsupported("a template without the text");
    }

    private static IEnumerable<int> Ids(JsonPart template, string token, Vocabulary vocabulary)
    {
        foreach (JsonPart id in template.Member("special_tokens").Member(token).Items("ids"))
            yield return vocabulary.Token(id.Integer()) is not null ? id.Integer() : throw id.Damaged("is not in the vocabulary");
    }
}
