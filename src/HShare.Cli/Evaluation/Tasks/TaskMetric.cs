namespace HShare.Cli.Evaluation.Tasks;

/// <summary>One way of scoring the answers to a case.</summary>
/// <param name="Name">Its name in tables, such as <c>f1</c>.</param>
/// <param name="Score">From the model's answer and the case's references to a score of 0 to 1.</param>
internal sealed record TaskMetric(string Name, Func<string, IReadOnlyList<string>, double> Score)
{
    /// <summary>A metric that compares with one reference at a time; the best score counts.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="score">From the model's answer and one reference to a score of 0 to 1.</param>
    public static TaskMetric Best(string name, Func<string, string, double> score) =>
        new(name, (answer, references) => references.Max(reference => score(answer, reference)));
}

/// <summary>What an answer reached by one metric.</summary>
/// <param name="Metric">Name of the metric.</param>
/// <param name="Value">0 to 1.</param>
internal sealed record TaskScore(string Metric, double Value);
