using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// What a generated text must look like, put together from pieces; <see cref="Grammar.Compile"/> makes an automaton of it.
/// </summary>
public abstract record GrammarPart
{
    private protected GrammarPart()
    {
    }

    /// <summary>Exactly this text, written with ordinary tokens.</summary>
    public sealed record Literal(string Text) : GrammarPart;

    /// <summary>
    /// One token, by its id: a mark that the vocabulary has as an added token. Its characters are not allowed in its place.
    /// </summary>
    public sealed record Token(int Id) : GrammarPart;

    /// <summary>All of these, one behind the other.</summary>
    public sealed record Sequence(params IReadOnlyList<GrammarPart> Parts) : GrammarPart;

    /// <summary>One of these.</summary>
    public sealed record Choice(params IReadOnlyList<GrammarPart> Parts) : GrammarPart;

    /// <summary>This, or nothing.</summary>
    public sealed record Optional(GrammarPart Part) : GrammarPart;

    /// <summary>This once or more often.</summary>
    /// <param name="Part">What is repeated.</param>
    /// <param name="Separator">What stands between two of them.</param>
    public sealed record Repeated(GrammarPart Part, GrammarPart Separator) : GrammarPart;

    /// <summary>Text that matches a regular expression as a whole; see <c>docs/structured-output.md</c> for what one may hold.</summary>
    public sealed record Pattern(string Expression) : GrammarPart;

    /// <summary>
    /// Any text that ends with the first occurrence of another, which is part of it. An empty ending stands for any text at all.
    /// </summary>
    public sealed record TextUntil(string Ending) : GrammarPart;

    /// <summary>A JSON value that satisfies a schema, in the form of Python's <c>json.dumps</c>, the spaces being optional.</summary>
    /// <param name="Schema">The JSON schema.</param>
    /// <param name="Name">What error messages call it: "The JSON schema", "The schema of tool 'add'".</param>
    public sealed record Json(JsonElement Schema, string Name = "The JSON schema") : GrammarPart;
}
