namespace HShare.Cli.Evaluation.Tasks;

/// <summary>What the user chose for a task. A setting that means nothing to the task must stay at its default.</summary>
internal sealed record TaskSettings
{
    /// <summary>The model's tokenizer: text to tokens, without special ones.</summary>
    public required Func<string, IReadOnlyList<int>> Encode { get; init; }

    /// <summary>And back.</summary>
    public required Func<IReadOnlyList<int>, string> Decode { get; init; }

    /// <summary>The set's file or folder; null where the task makes its cases of nothing.</summary>
    public string? Data { get; init; }

    /// <summary>Solved examples in front of each question.</summary>
    public int Shots { get; init; }

    /// <summary>Lengths in tokens: of the cases that are made, or to which those of a set are cut. Null for the task's own.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>Places of the answer in the document, 0 = start, 1 = end; null for 0 to 1 in steps of a tenth.</summary>
    public IReadOnlyList<double>? Depths { get; init; }

    /// <summary>Cases that are made for each length and, where the task has depths, depth; null for the task's own.</summary>
    public int? Samples { get; init; }

    /// <summary>Most cases of each file, or of each length where cases are made; null for all.</summary>
    public int? Limit { get; init; }

    /// <summary>Starts the random draws of tasks that make their cases; equal seeds make equal cases.</summary>
    public int Seed { get; init; }

    /// <summary>What the task <c>needle</c> hides and asks for.</summary>
    public Needle Needle { get; init; } = Needle.Sandwich;

    /// <summary>Tokens of a text.</summary>
    public int CountTokens(string text) => Encode(text).Count;

    /// <summary>The data's place.</summary>
    /// <param name="task">The task that needs it.</param>
    /// <param name="what">What it must be, such as <c>the set's test.jsonl</c>.</param>
    /// <exception cref="InputException">It was not given.</exception>
    public string RequireData(string task, string what) =>
        Data ?? throw new InputException($"The task {task} needs --data: {what}.");
}
