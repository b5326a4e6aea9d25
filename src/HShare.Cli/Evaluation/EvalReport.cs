using System.Text.Json.Serialization;

namespace HShare.Cli.Evaluation;

/// <summary>How many questions of a group were answered right.</summary>
/// <param name="Cases">Questions in the group.</param>
/// <param name="Correct">Answered wholly right.</param>
/// <param name="Accuracy">Mean score, 0 to 1: the share of right answers where an answer is right or wrong.</param>
/// <param name="Reference">How the group compares with the reference's answers; null where no question carries one.</param>
internal record EvalScore(
    [property: JsonPropertyOrder(-4)] int Cases,
    [property: JsonPropertyOrder(-3)] int Correct,
    [property: JsonPropertyOrder(-2)] double Accuracy,
    [property: JsonPropertyOrder(-1)] ReferenceScore? Reference)
{
    /// <summary>Scores a group of results.</summary>
    public static EvalScore Of(IReadOnlyCollection<EvalResult> results) => new(
        results.Count,
        results.Count(result => result.Correct),
        results.Count == 0 ? 0 : results.Average(result => result.Score),
        ReferenceScore.Of(results));
}

/// <summary>Comparison with the answers of another implementation, over the questions that carry one.</summary>
/// <param name="Cases">Questions with a reference.</param>
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
        EvalResult[] referenced = [.. results.Where(result => result.Question.Meta?.Reference is not null)];
        return referenced.Length == 0
            ? null
            : new ReferenceScore(
                referenced.Length,
                referenced.Count(result => result.Question.Meta!.Reference!.Correct),
                referenced.Count(result => result.Correct),
                referenced.Count(result => result.SameAsReference));
    }
}

/// <summary>Results of an evaluation under one attention preset, whole and by group.</summary>
internal sealed record EvalReport : EvalScore
{
    private static readonly int[] Lengths = [1000, 2000, 4000, 7500];

    /// <summary>Sums up results.</summary>
    public EvalReport(IReadOnlyList<EvalResult> results)
        : base(Of(results))
    {
        Groups = GroupBySubject(results);
        OverContext = [.. results.Where(result => result.OverContext).Select(result => result.Question.Place)];
        PromptTokens = results.Where(result => !result.OverContext).Sum(result => (long)result.PromptTokens);
        OutputTokens = results.Sum(result => (long)result.OutputTokens);
        long steps = results.Sum(result => result.Reads.Steps), bytes = results.Sum(result => result.Reads.Bytes);
        long full = results.Sum(result => result.Reads.FullBytes);
        double seconds = results.Sum(result => result.DecodeSeconds);
        KvBytesReadPerToken = steps == 0 ? null : (double)bytes / steps;
        KvBytesReadRatio = full == 0 ? null : (double)bytes / full;
        TokensPerSecond = seconds == 0 ? null : results.Sum(result => Math.Max(0, result.OutputTokens - 1)) / seconds;
    }

    /// <summary>The attention preset.</summary>
    [JsonPropertyOrder(-5)]
    public required string Preset { get; init; }

    /// <summary>Scores by grouping (file, family, length, depth) and by group.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, EvalScore>> Groups { get; }

    /// <summary>Perplexity of held-out text, dense prefill and decode under the preset; null where no text was given.</summary>
    public double? Perplexity { get; init; }

    /// <summary>
    /// Bytes of keys and values that a decode step reads of a sequence, selection included; null where nothing was decoded.
    /// </summary>
    [JsonPropertyName("kvBytesReadPerToken")]
    public double? KvBytesReadPerToken { get; }

    /// <summary>The same over what full attention reads.</summary>
    [JsonPropertyName("kvBytesReadRatio")]
    public double? KvBytesReadRatio { get; }

    /// <summary>
    /// Bytes of cache that a token takes under the preset, at the mean length of the prompts, what retrievers keep included.
    /// </summary>
    [JsonPropertyName("kvBytesStoredPerToken")]
    public double? KvBytesStoredPerToken { get; init; }

    /// <summary>Tokens decoded by the second of a request, with as many requests side by side as the batch held.</summary>
    [JsonPropertyName("tokensPerSecond")]
    public double? TokensPerSecond { get; }

    /// <summary>Share of full attention's mass on the tokens read, over some of the answers; null where it was not measured.</summary>
    [JsonPropertyName("recoveredMass")]
    public double? RecoveredMass { get; init; }

    /// <summary>Share of the true critical tokens that are read; null where it was not measured.</summary>
    public double? Overlap { get; init; }

    /// <summary>[layers]: <see cref="RecoveredMass"/> by layer.</summary>
    [JsonPropertyName("recoveredMassByLayer")]
    public IReadOnlyList<double>? RecoveredMassByLayer { get; init; }

    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>What it ran on.</summary>
    public required string Backend { get; init; }

    /// <summary>How the weights were kept.</summary>
    public required string Weights { get; init; }

    /// <summary>How keys and values were kept.</summary>
    public required string Kv { get; init; }

    /// <summary>Questions that do not fit the context, by place; they count as not answered right.</summary>
    public IReadOnlyList<string> OverContext { get; }

    /// <summary>Tokens of all prompts that were answered.</summary>
    public long PromptTokens { get; }

    /// <summary>Tokens generated.</summary>
    public long OutputTokens { get; }

    private static IReadOnlyDictionary<string, IReadOnlyDictionary<string, EvalScore>> GroupBySubject(IReadOnlyList<EvalResult> results) =>
        new Dictionary<string, IReadOnlyDictionary<string, EvalScore>>
        {
            ["file"] = Group(results, result => result.Question.File, name => name),
            ["family"] = Group(results, result => result.Question.Meta?.Family, name => name!),
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
        int length = result.Question.Meta?.LengthTokens ?? result.PromptTokens;
        return Lengths.MinBy(bucket => Math.Abs(bucket - length));
    }

    private static int? DepthFifth(EvalResult result) =>
        result.Question.Meta?.Depth is { } depth ? Math.Clamp((int)(depth * 5), 0, 4) : null;
}
