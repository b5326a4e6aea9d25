using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>
/// GSM8K: grade-school sums, asked as the lm-evaluation-harness asks them. Scores are <c>flexible</c> (the last number of the answer) and
/// <c>strict</c> (the number behind <c>####</c>). Examples are the first ones of the training file, the same for each question, where the
/// harness draws some for each.
/// </summary>
internal static class Gsm8kTask
{
    private const string Name = "gsm8k";
    private const int MaxOutput = 256;

    private static readonly TaskMetric[] Metrics =
    [
        TaskMetric.Best("flexible", (answer, reference) => MathAnswer.FlexibleScore(FirstAnswer(answer), reference)),
        TaskMetric.Best("strict", (answer, reference) => MathAnswer.StrictScore(FirstAnswer(answer), reference)),
    ];

    /// <summary>Reads the cases.</summary>
    /// <param name="settings">Data is the set's file of questions, or its folder with <c>test.jsonl</c>; examples come from
    /// <c>train.jsonl</c> beside it, or the only other <c>train*.jsonl</c>.</param>
    /// <exception cref="InputException">A file is not there, has too few examples, or is malformed.</exception>
    public static IReadOnlyList<TaskCase> Create(TaskSettings settings)
    {
        string data = settings.RequireData(Name, "the set's test.jsonl, or its folder");
        string file = Directory.Exists(data) ? Path.Combine(data, "test.jsonl") : data;
        string examples = settings.Shots == 0 ? "" : string.Concat(Examples(file, settings.Shots));
        return [.. DataRecord.ReadLines(file, settings.Limit).Select(record => new TaskCase
        {
            Task = Name,
            Source = record.Place,
            Messages = TaskCase.Ask($"{examples}{Question(record)}"),
            MaxOutputTokens = MaxOutput,
            References = [Gold(record)],
            Metrics = Metrics,
        })];
    }

    private static IEnumerable<string> Examples(string file, int shots)
    {
        string training = TrainingFile(Path.GetDirectoryName(Path.GetFullPath(file))!);
        IReadOnlyList<DataRecord> records = DataRecord.ReadLines(training, shots);
        if (records.Count < shots)
            throw new InputException($"{training} holds {records.Count} examples; --shots {shots} needs more.");
        return records.Select(record => $"{Question(record)} {record.Text("answer")}\n\n");
    }

    private static string TrainingFile(string folder)
    {
        string usual = Path.Combine(folder, "train.jsonl");
        if (File.Exists(usual))
            return usual;
        string[] others = Directory.Exists(folder) ? Directory.GetFiles(folder, "train*.jsonl") : [];
        return others is [var only]
            ? only
            : throw new InputException($"--shots needs the set's train.jsonl, and there is none beside the questions in {folder}.");
    }

    private static string Question(DataRecord record) => $"Question: {record.Text("question")}\nAnswer:";

    private static string Gold(DataRecord record) =>
        MathAnswer.Strict(record.Text("answer")) ?? throw record.Error("\"answer\" must end with \"#### \" and a number");

    // A model that writes on into a question of its own is not scored on it; the harness stops it there.
    private static string FirstAnswer(string answer) => answer.Split("Question:", 2)[0];
}
