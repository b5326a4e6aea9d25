using HShare.AI.Engine.Attention;

namespace LongDocumentRag;

/// <summary>The command line.</summary>
/// <param name="Model">Folder of the model, or null for the bundled one.</param>
/// <param name="Documents">Folder of the documents.</param>
/// <param name="Questions">What to ask.</param>
/// <param name="Top">Passages for each question.</param>
/// <param name="Attention">How the answers attend, as <c>HShareOptions.Attention</c> takes it, or null for the model's own way.</param>
internal sealed record Arguments(string? Model, string Documents, IReadOnlyList<string> Questions, int Top, string? Attention)
{
    /// <summary>How to call the program.</summary>
    public const string Usage =
        "Usage: LongDocumentRag [--documents DIR] [--question TEXT]... [--top K] [--model DIR] [--attention PRESET]";

    private static readonly string[] OwnQuestions = // on the documents that come with the sample
        ["What is the phone number of Agnes Corvin?", "Who leads the Hallberg Observatory?", "What is the departure time of the evening train?"];

    /// <summary>Reads the command line.</summary>
    /// <exception cref="ArgumentException">It cannot be understood; the message says why.</exception>
    public static Arguments Parse(string[] args)
    {
        var result = new Arguments(null, "", [], 6, null);
        for (int i = 0; i < args.Length; i += 2)
        {
            string value = i + 1 < args.Length ? args[i + 1] : throw new ArgumentException($"{args[i]} needs a value.");
            result = args[i] switch
            {
                "--model" => result with { Model = value },
                "--attention" => result with { Attention = AttentionPreset.Parse(value).ToString() },
                "--documents" => result with { Documents = value },
                "--question" => result with { Questions = [.. result.Questions, value] },
                "--top" when int.TryParse(value, out int top) && top > 0 => result with { Top = top },
                "--top" => throw new ArgumentException($"--top {value}: give a positive number."),
                _ => throw new ArgumentException($"There is no option {args[i]}."),
            };
        }

        if (result.Documents.Length == 0)
            result = result with { Documents = Path.Combine(AppContext.BaseDirectory, "documents"), Questions = OrOwn(result.Questions) };
        if (!Directory.Exists(result.Documents))
            throw new ArgumentException($"There is no folder {result.Documents}.");
        return result.Questions.Count > 0 ? result : throw new ArgumentException("There is no question. Give one with --question.");
    }

    private static IReadOnlyList<string> OrOwn(IReadOnlyList<string> questions) => questions.Count > 0 ? questions : OwnQuestions;
}
