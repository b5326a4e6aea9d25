using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>
/// Needle in a haystack: one fact at each depth of a document of each length. The document and the question make up one user's turn, whose
/// tokens are the length. Where the first such test had another model judge the answers, the words expected are looked for.
/// </summary>
internal static class NeedleTask
{
    private const string Name = "needle";
    private const int MaxOutput = 64;

    private static readonly TaskMetric[] Metrics = [new("string_match", StringMatch.All)];

    /// <summary>Makes the cases: a grid of lengths and depths.</summary>
    /// <param name="settings">Data is a text file or a folder of text files.</param>
    /// <exception cref="InputException">The text cannot be read, or a length is too short for the question.</exception>
    public static IReadOnlyList<TaskCase> Create(TaskSettings settings)
    {
        Haystack haystack = Haystack.Read(settings.RequireData(Name, "a folder of text files"));
        return [.. TaskGrid.Of(settings, hasDepths: true, samples: 1).Select(cell => Case(haystack, cell, settings))];
    }

    private static TaskCase Case(Haystack haystack, TaskGrid cell, TaskSettings settings)
    {
        double depth = cell.Depth!.Value;
        Needle needle = settings.Needle;
        string prompt = Haystack.Fill(Build, cell.Length, settings.CountTokens);
        return new TaskCase
        {
            Task = Name,
            Source = $"{settings.Data} ({cell.Length} tokens, depth {depth:0.##})",
            Messages = TaskCase.Ask(prompt),
            MaxOutputTokens = MaxOutput,
            References = needle.Expected,
            Metrics = Metrics,
            Length = cell.Length,
            Depth = depth,
        };

        string Build(int sentences) =>
            $"""
            You are a helpful AI bot that answers questions for a user. Keep your response short and direct.

            {haystack.Hide(sentences, [(depth, needle.Text)])}

            {needle.Question} Don't give information outside the document or repeat your findings.
            """;
    }
}
