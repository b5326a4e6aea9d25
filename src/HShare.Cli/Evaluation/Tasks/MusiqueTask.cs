using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>
/// MuSiQue in the form of CacheBlend's inputs, one JSON array of questions with their passages, asked as LongBench asks its <c>musique</c>.
/// </summary>
internal static class MusiqueTask
{
    private const string Name = "musique";

    /// <summary>Reads the cases.</summary>
    /// <param name="settings">Data is the file. With lengths, there is a case for each record and length.</param>
    /// <exception cref="InputException">The file is not there or malformed.</exception>
    public static IReadOnlyList<TaskCase> Create(TaskSettings settings) =>
    [
        .. DataRecord.ReadArray(settings.RequireData(Name, "the set's JSON file"), settings.Limit)
            .SelectMany(record => Cases(record, settings)),
    ];

    private static IEnumerable<TaskCase> Cases(DataRecord record, TaskSettings settings)
    {
        LongBenchSet set = LongBenchSet.Find(Name)!;
        IReadOnlyList<string> answers = record.Texts("answers");
        if (answers.Count == 0)
            throw record.Error("\"answers\" is empty");
        IEnumerable<string> passages = record.Records("ctxs")
            .Select((passage, i) => $"Passage {i + 1}:\n{passage.Text("title")}\n{passage.Text("text")}");
        var question = new TaskCase
        {
            Task = Name,
            Source = record.Place,
            Messages = [],
            MaxOutputTokens = set.MaxOutput,
            References = answers,
            Metrics = [set.Scoring([]), TaskMetric.Best("exact_match", ExactMatch.Score)],
        };
        return LongBenchTask.Cut(question, set.Ask(string.Join("\n\n", passages), record.Text("question")), settings);
    }
}
