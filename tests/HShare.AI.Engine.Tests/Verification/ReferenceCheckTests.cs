using System.Text.Json.Nodes;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Verification;

namespace HShare.AI.Engine.Tests.Verification;

/// <summary>The whole forward pass on the CPU against references of other implementations.</summary>
public sealed class ReferenceCheckTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("llama-mha")]
    [InlineData("llama3-gqa-ropescaled")]
    [InlineData("mistral-window32")]
    [InlineData("qwen2-bias")]
    [InlineData("qwen3-qknorm")]
    public void Every_architecture_equals_its_reference(string name)
    {
        using LanguageModel model = Load(TestFiles.Shared("assets", "parity", name));
        ReferenceReport report = Run(model, ReadReference(model));

        Assert.Equal(5, report.Cases.Count);
        Assert.All(report.Cases, c => Assert.Equal(24, c.StepsEqual + c.StepsBelowMargin));
        Assert.True(report.Passed);
        Assert.InRange(report.LargestLogitDifference, 0, 1e-3f);
    }

    [Fact]
    public void The_first_edition_of_the_bundled_model_equals_its_reference()
    {
        using LanguageModel model = Load(TestFiles.Shared("assets", "hshare-tiny"));
        ReferenceReport report = Run(model, ReadReference(model), new ReferenceTolerance(Logits: 2e-3f));

        Assert.Equal(6, report.Cases.Count);
        Assert.Equal(6 * 48, report.StepsEqual + report.StepsBelowMargin);
        Assert.True(report.Passed);
    }

    [Fact]
    public void The_bundled_model_equals_the_projects_own_reference()
    {
        using LanguageModel model = Load(TestFiles.TinyModel);
        ReferenceSet all = ReadReference(model);

        // The two of 5,800 tokens take most of the time: `hshare verify` runs them, and HarbourYearbookTests their greedy ids.
        ReferenceSet shorter = all with { Cases = [.. all.Cases.Where(c => c.InputIds.Count < 2200)] };
        ReferenceReport report = Run(model, shorter, new ReferenceTolerance(Logits: 2e-3f));

        Assert.Equal(6, report.Cases.Count);
        Assert.Equal(6 * 48, report.StepsEqual + report.StepsBelowMargin);
        Assert.True(report.Passed);
    }

    [Theory]
    [InlineData(DType.BFloat16, 0.1f)] // 0.03 here
    [InlineData(DType.Float16, 0.01f)] // 0.003 here
    public void A_cache_of_half_the_size_stays_near_the_reference(DType type, float largest)
    {
        using LanguageModel model = Load(TestFiles.Shared("assets", "hshare-tiny"));
        ReferenceSet all = ReadReference(model);
        ReferenceSet shorter = all with { Cases = [.. all.Cases.Where(c => c.InputIds.Count < 500)] };
        ReferenceReport report = Run(model, shorter, new ReferenceTolerance(largest, Margin: 2 * largest), type);

        Assert.InRange(report.LargestLogitDifference, 2e-4f, largest); // more than a float32 cache has: the type is really used
        Assert.Equal(0, report.StepsUnequal);
    }

    [Fact]
    public void Stories260K_tells_the_expected_story()
    {
        string folder = TestFiles.Shared("assets", "models", "stories260K-hf");
        JsonNode expected = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected_greedy.json")))!;
        int[] ids = [.. expected["greedy_ids"]!.AsArray().Select(id => (int)id!)];
        float margin = (float)expected["min_top1_top2_gap"]!;
        ReferenceCase story = new("story", ids[..1], [], ids[1..], [.. Enumerable.Repeat(margin, ids.Length - 1)]);

        using LanguageModel model = Load(folder);
        ReferenceReport report = Run(model, new ReferenceSet("float64", [story]));

        Assert.Equal((199, 0), (report.StepsEqual, report.StepsUnequal));
    }

    [Fact]
    public void A_synthetic_model_computes_numbers_of_ordinary_size()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using var model = SyntheticModel.Create("hshare-tiny", new CpuBackend(), cancellationToken: cancellation);
        ReferenceLogit[] zeros = [.. Enumerable.Range(0, model.Config.VocabularySize).Select(id => new ReferenceLogit(id, 0))];
        ReferenceCase item = new("20 ids", [.. Enumerable.Range(0, 20)], zeros, [], []);
        ReferenceReport report = Run(model, new ReferenceSet("zeros", [item]));

        Assert.InRange(report.LargestLogitDifference, 0.5f, 10f);
    }

    [Fact]
    public void A_difference_fails()
    {
        using LanguageModel model = Load(TestFiles.Shared("assets", "parity", "llama-mha"));
        ReferenceCase right = ReadReference(model).Cases[0];
        ReferenceLogit[] wrongLogits = [.. right.Logits];
        wrongLogits[7] = wrongLogits[7] with { Value = wrongLogits[7].Value + 0.002f };
        int[] wrongIds = [.. right.GreedyIds];
        wrongIds[^1] = (wrongIds[^1] + 1) % 512;
        float[] noMargin = [.. right.GreedyMargins];
        noMargin[^1] = 0.001f;

        ReferenceReport report = Run(model, new ReferenceSet("by hand",
        [
            right,
            right with { Logits = wrongLogits },
            right with { GreedyIds = wrongIds },
            right with { GreedyIds = wrongIds, GreedyMargins = noMargin },
        ]));

        Assert.False(report.Passed);
        Assert.Equal([true, false, false, true], report.Cases.Select(c => c.Passed));
        Assert.InRange(report.Cases[1].LargestLogitDifference, 0.0019f, 0.0021f);
        Assert.Equal(
            [(24, 0, 0), (24, 0, 0), (23, 1, 0), (23, 0, 1)],
            report.Cases.Select(c => (c.StepsEqual, c.StepsUnequal, c.StepsBelowMargin)));
    }

    private static LanguageModel Load(string folder) =>
        LanguageModel.Load(folder, new CpuBackend(), cancellationToken: TestContext.Current.CancellationToken);

    private static ReferenceSet ReadReference(LanguageModel model) =>
        ReferenceSet.Read(Path.Combine(model.Directory, ReferenceSet.FileName), model.Config);

    private ReferenceReport Run(
        LanguageModel model, ReferenceSet reference, ReferenceTolerance? tolerance = null, DType kvCacheType = DType.Float32)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        ReferenceReport report = ReferenceCheck.Run(model, reference, tolerance, kvCacheType, cancellationToken: cancellation);
        foreach (ReferenceCaseReport item in report.Cases)
            output.WriteLine(item.ToString());
        return report;
    }
}
