using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Verification;

namespace HShare.AI.Cuda.Tests;

/// <summary>Whole forward passes against references of other implementations, to the rounding of 16-bit products.</summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("llama-mha")]
    [InlineData("llama3-gqa-ropescaled")]
    [InlineData("mistral-window32")]
    [InlineData("qwen2-bias")]
    [InlineData("qwen3-qknorm")]
    public void Every_architecture_equals_its_reference(string name)
    {
        CudaBackend backend = Gpu.Backend();
        string folder = TestFiles.Shared("assets", "parity", name);
        using var model = LanguageModel.Load(folder, backend, cancellationToken: TestContext.Current.CancellationToken);
        var reference = ReferenceSet.Read(Path.Combine(folder, ReferenceSet.FileName), model.Config);
        AssertPasses(model, reference, emulatedCases: 2, emulatedSteps: 6);
    }

    [Fact]
    public void The_bundled_model_equals_its_reference()
    {
        using var model = LanguageModel.Load(
            TestFiles.TinyModel, Gpu.Backend(), cancellationToken: TestContext.Current.CancellationToken);
        AssertPasses(
            model,
            ReferenceSet.Read(Path.Combine(TestFiles.TinyModel, ReferenceSet.FileName), model.Config),
            emulatedCases: 1,
            emulatedSteps: 4);
    }

    [Fact]
    public void Attention_is_not_recorded_where_keys_are_not_kept_in_float32()
    {
        using var model = LanguageModel.Load(
            TestFiles.Shared("assets", "parity", "llama-mha"), Gpu.Backend(), cancellationToken: TestContext.Current.CancellationToken);
        NotSupportedException problem = Assert.Throws<NotSupportedException>(() => new AttentionRecorder(model, new(4, 8, 32), 64, []));
        Assert.Contains("on the CPU backend", problem.Message);
    }

    // An emulated GPU is some thousand times slower: fewer cases, and fewer steps of each.
    private void AssertPasses(LanguageModel model, ReferenceSet reference, int emulatedCases, int emulatedSteps)
    {
        if (Gpu.IsEmulated)
        {
            reference = reference with
            {
                Cases = [.. reference.Cases.Take(emulatedCases).Select(c => c with
                {
                    GreedyIds = [.. c.GreedyIds.Take(emulatedSteps)],
                    GreedyMargins = [.. c.GreedyMargins.Take(emulatedSteps)],
                })],
            };
        }

        ReferenceReport report = ReferenceCheck.Run(model, reference, cancellationToken: TestContext.Current.CancellationToken);
        foreach (ReferenceCaseReport item in report.Cases)
            output.WriteLine($"{item}");
        Assert.Equal(reference.Cases.Sum(c => c.GreedyIds.Count), report.StepsEqual + report.StepsBelowMargin);
        Assert.True(report.StepsEqual > 0);
        Assert.True(report.Passed);
    }
}
