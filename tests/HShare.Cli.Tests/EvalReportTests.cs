using System.Text.Json.Nodes;
using HShare.Cli.Evaluation;

namespace HShare.Cli.Tests;

public sealed class EvalReportTests
{
    [Fact]
    public void Results_are_grouped_by_family_nearest_length_and_fifth_of_depth()
    {
        EvalReport report = Report(
            Result("a", "a", new EvalMeta(LengthTokens: 900, Depth: 0, Family: "key")),
            Result("a", "b", new EvalMeta(LengthTokens: 1501, Depth: 0.199, Family: "key")),
            Result("a", "a", new EvalMeta(LengthTokens: 5700, Depth: 0.2, Family: "age")),
            Result("a", "a", new EvalMeta(LengthTokens: 9000, Depth: 1, Family: "age")),
            Result("a", "a", new EvalMeta(LengthTokens: 144, Family: "tool")));

        Assert.Equal(["age", "key", "tool"], report.Groups["family"].Keys);
        Assert.Equal(0.5, report.Groups["family"]["key"].Accuracy);
        Assert.Equal(["1000", "2000", "4000", "7500"], report.Groups["length"].Keys);
        Assert.Equal([2, 1, 1, 1], report.Groups["length"].Values.Select(score => score.Cases));
        Assert.Equal(["0-20%", "20-40%", "80-100%"], report.Groups["depth"].Keys);
        Assert.Equal([2, 1, 1], report.Groups["depth"].Values.Select(score => score.Cases));
        Assert.Equal((5, 4, 0.8), (report.Cases, report.Correct, report.Accuracy));
        Assert.Null(report.Reference);
    }

    [Fact]
    public void Only_cases_with_a_reference_are_compared_with_it()
    {
        EvalReport report = Report(
            Result("a", "a", new EvalMeta(Reference: new EvalReference("a ", true))),
            Result("a", "b", new EvalMeta(Reference: new EvalReference("b", false))),
            Result("a", "b", new EvalMeta(Reference: new EvalReference("a", true))),
            Result("a", "a", null));

        Assert.Equal(new ReferenceScore(Cases: 3, ReferenceCorrect: 2, Correct: 1, SameText: 2), report.Reference);
        Assert.Equal(2 / 3.0, report.Reference!.SameTextRate);
    }

    [Fact]
    public void A_case_without_room_counts_as_wrong_and_is_named()
    {
        EvalReport report = Report(Result("a", null, null), Result("a", "a", null));

        Assert.Equal((2, 1), (report.Cases, report.Correct));
        Assert.Equal([":0"], report.OverContext);
        Assert.Equal(10, report.PromptTokens);
    }

    private static EvalReport Report(params EvalResult[] results) =>
        new(results) { Preset = "full", Model = "m", Backend = "b", Weights = "bf16", Kv = "f32" };

    private static EvalResult Result(string expected, string? answer, EvalMeta? meta) =>
        new(EvalQuestion.Of(new EvalCase(new JsonArray(), expected, Meta: meta)), answer, PromptTokens: 10, OutputTokens: 2);
}
