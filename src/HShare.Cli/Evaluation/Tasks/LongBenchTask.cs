using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>
/// LongBench's 16 English data sets, asked and scored as its own code does (<see cref="LongBenchSet"/>). Prompts longer than a length asked
/// for lose their middle. One thing differs: an answer to <c>samsum</c> is not stopped at its first line, only scored by it.
/// </summary>
internal static class LongBenchTask
{
    /// <summary>Reads the cases.</summary>
    /// <param name="settings">Data is a set's JSONL file, or a folder with several, named after the sets. With lengths, there is a case
    /// for each record and length.</param>
    /// <exception cref="InputException">A file is not there or malformed, or a record belongs to no English set.</exception>
    public static IReadOnlyList<TaskCase> Create(TaskSettings settings)
    {
        IEnumerable<DataRecord> records = Files(settings.RequireData("longbench", "a JSONL file of the benchmark, or the folder with all"))
            .SelectMany(file => DataRecord.ReadLines(file, settings.Limit));
        return [.. records.SelectMany(record => Cases(record, settings))];
    }

    /// <summary>The cases of one question: one for each length asked for, or one uncut.</summary>
    /// <param name="question">The case, but for conversation and length.</param>
    /// <param name="prompt">The user's turn, uncut.</param>
    /// <param name="settings">The lengths and the tokenizer.</param>
    internal static IEnumerable<TaskCase> Cut(TaskCase question, string prompt, TaskSettings settings)
    {
        if (settings.Lengths is null)
            return [question with { Messages = TaskCase.Ask(prompt) }];
        IReadOnlyList<int> tokens = settings.Encode(prompt);
        return settings.Lengths.Select(length => question with
        {
            Messages = TaskCase.Ask(tokens.Count <= length ? prompt : CutMiddle(tokens, length, settings)),
            Length = length,
        });
    }

    private static IEnumerable<TaskCase> Cases(DataRecord record, TaskSettings settings)
    {
        string name = record.Text("dataset");
        LongBenchSet set = LongBenchSet.Find(name) ?? throw record.Error(
            $"\"{name}\" is none of LongBench's English sets ({string.Join(", ", LongBenchSet.All.Select(known => known.Name))})");
        IReadOnlyList<string> answers = record.Texts("answers");
        if (answers.Count == 0)
            throw record.Error("\"answers\" is empty");
        if (set.Metric == LongBenchMetric.Retrieval && answers.FirstOrDefault(answer => !RetrievalScore.IsReference(answer)) is { } wrong)
            throw record.Error($"the answer \"{wrong}\" of {set.Name} must be \"Paragraph N\"");

        var question = new TaskCase
        {
            Task = set.Name,
            Source = record.Place,
            Messages = [],
            MaxOutputTokens = set.MaxOutput,
            References = answers,
            Metrics = [set.Scoring(set.Metric == LongBenchMetric.Classification ? record.Texts("all_classes") : [])],
            Plain = set.Plain,
        };
        return Cut(question, set.Ask(record.Text("context"), record.Text("input")), settings);
    }

    // Both ends stay, since they hold the instructions. An odd length loses its last token, as in the benchmark's code.
    private static string CutMiddle(IReadOnlyList<int> tokens, int length, TaskSettings settings)
    {
        int half = length / 2;
        return settings.Decode([.. tokens.Take(half)]) + settings.Decode([.. tokens.Skip(tokens.Count - half)]);
    }

    private static IReadOnlyList<string> Files(string data)
    {
        if (!Directory.Exists(data))
            return [data];
        string[] files = [.. LongBenchSet.All.Select(set => Path.Combine(data, $"{set.Name}.jsonl")).Where(File.Exists)];
        return files.Length > 0
            ? files
            : throw new InputException(
                $"The folder {data} holds none of LongBench's English sets, such as {LongBenchSet.All[0].Name}.jsonl.");
    }
}
