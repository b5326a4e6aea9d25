using System.Text.Json.Serialization;

namespace HShare.Cli.Evaluation;

/// <summary>How many cases of a group were answered right.</summary>
/// <param name="Cases">Cases in the group.</param>
/// <param name="Correct">Answered right.</param>
/// <param name="Reference">How the group compares with the reference's answers; null where no case carries one.</param>
internal record EvalScore(
    [property: JsonPropertyOrder(-4)] int Cases,
    [property: JsonPropertyOrder(-3)] int Correct,
    [property: JsonPropertyOrder(-1)] ReferenceScore? Reference)
{
    /// <summary>Share of right answers, 0 to 1.</summary>
    [JsonPropertyOrder(-2)]
    public double Accuracy => (double)Correct / Cases;

    /// <summary>Scores a group of results; it must not be empty.</summary>
    public static EvalScore Of(IReadOnlyCollection<EvalResult> results) =>
        new(results.Count, results.Count(result => result.Correct), ReferenceScore.Of(results));
}

/// <summary>Comparison with the answers of another implementation, over the cases that carry one.</summary>
/// <param name="Cases">Cases with a reference.</param>
/// <param name="ReferenceCorrect">Of these, how many the reference had right.</param>
/// <param name="Correct">Of these, how many we had right.</param>
/// <param name="SameText">Of these, where our answer is the reference's, character by character.</param>
internal sealed record ReferenceScore(int Cases, int ReferenceCorrect, int Correct, int SameText)
{
    /// <summary>Share of equal answers, 0 to 1.</summary>
    public double SameTextRate => (double)SameText / Cases;

    /// <summary>Scores the results that carry a reference, or returns null where none does.</summary>
    public static ReferenceScore? Of(IEnumerable<EvalResult> results)
    {
        EvalResult[] referenced = [.. results.Where(result => result.Case.Meta?.Reference is not null)];
        return referenced.Length == 0
            ? null
            : new ReferenceScore(
                referenced.Length,
                referenced.Count(result => result.Case.Meta!.Reference!.Correct),
                referenced.Count(result => result.Correct),
                referenced.Count(result => result.SameAsReference));
    }
}

/// <summary>Results of an evaluation, whole and by group.</summary>
internal sealed record EvalReport : EvalScore
{
    private static readonly int[] Lengths = [1000, 2000, 4000, 7500];

    /// <summary>Sums up results; there must be at least one.</summary>
    public EvalReport(IReadOnlyList<EvalResult> results)
        : base(Of(results))
    {
        Groups = GroupBySubject(results);
        OverContext = [.. results.Where(result => result.OverContext).Select(result => $"{result.Case.File}:{result.Case.Line}")];
        PromptTokens = results.Where(result => !result.OverContext).Sum(result => (long)result.PromptTokens);
        OutputTokens = results.Sum(result => (long)result.OutputTokens);
    }

    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>What it ran on.</summary>
    public required string Backend { get; init; }

    /// <summary>How the weights were kept.</summary>
    public required string Weights { get; init; }

    /// <summary>How keys and values were kept.</summary>
    public required string Kv { get; init; }

    /// <summary>Scores by grouping (file, family, length, depth) and by group.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, EvalScore>> Groups { get; }

    /// <summary>Cases that do not fit the context, as file:line; they count as not answered right.</summary>
    public IReadOnlyList<string> OverContext { get; }

    /// <summary>Tokens of all prompts that were read.</summary>
    public long PromptTokens { get; }

    /// <summary>Tokens generated.</summary>
    public long OutputTokens { get; }

    /// <summary>Wall-clock time, loading excluded.</summary>
    public required double Seconds { get; init; }

    /// <summary>Prompt and output tokens together, by the second.</summary>
    public double TokensPerSecond => (PromptTokens + OutputTokens) / Seconds;

    private static IReadOnlyDictionary<string, IReadOnlyDictionary<string, EvalScore>> GroupBySubject(IReadOnlyList<EvalResult> results) =>
        new Dictionary<string, IReadOnlyDictionary<string, EvalScore>>
        {
            ["file"] = Group(results, result => result.Case.File, name => name),
            ["family"] = Group(results, result => result.Case.Meta?.Family, name => name!),
            ["length"] = Group(results, LengthBucket, bucket => $"{bucket}"),
            ["depth"] = Group(results, DepthFifth, fifth => $"{fifth * 20}-{(fifth + 1) * 20}%"),
        };

    private static Dictionary<string, EvalScore> Group<TKey>(
        IEnumerable<EvalResult> results, Func<EvalResult, TKey> key, Func<TKey, string> name) => results
        .Where(result => key(result) is not null)
        .GroupBy(key)
        .OrderBy(group => group.Key)
        .ToDictionary(group => name(group.Key), group => EvalScore.Of([.. group]));

    private static int? LengthBucket(EvalResult result)
    {
        int length = result.Case.Meta?.LengthTokens ?? result.PromptTokens;
        return Lengths.MinBy(bucket => Math.Abs(bucket - length));
    }

    private static int? DepthFifth(EvalResult result) =>
        result.Case.Meta?.Depth is { } depth ? Math.Clamp((int)(depth * 5), 0, 4) : null;
}
