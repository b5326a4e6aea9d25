using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed class SyntheticModelTests
{
    [Theory]
    [InlineData("hshare-tiny", 22_029_696)]
    [InlineData("llama-1b", 1_235_814_400)]
    [InlineData("llama2-7b", 6_738_415_616)]
    [InlineData("llama3-8b", 8_030_261_248)]
    [InlineData("mistral-7b", 7_241_732_096)]
    public void Shapes_have_the_parameters_of_the_models_they_are_named_after(string shape, long parameters)
    {
        Assert.Contains(shape, SyntheticModel.ShapeNames);
        Assert.Equal(parameters, CheckpointLayout.For(SyntheticModel.GetConfig(shape)).ParameterCount);
    }

    [Fact]
    public void Weights_are_random_small_and_the_same_each_time()
    {
        using LanguageModel model = Create("hshare-tiny", new HostBackend());
        using LanguageModel again = Create("hshare-tiny", new HostBackend());

        float[] down = HostBackend.Floats(model.Weights.Layers[0].Down.Data), other = HostBackend.Floats(model.Weights.Layers[1].Down.Data);
        Assert.Equal(down, HostBackend.Floats(again.Weights.Layers[0].Down.Data));
        Assert.NotEqual(down, other);
        Assert.Equal(0, down.Average(), 2e-4);
        Assert.Equal(0.02, Math.Sqrt(down.Average(w => w * w)), 2e-4);
        Assert.InRange(Math.Abs(down.Zip(other, (a, b) => a * b).Average()), 0, 4e-6); // uncorrelated: 0.02² is 4e-4
        Assert.All(HostBackend.Floats(model.Weights.FinalNorm), w => Assert.Equal(1, w));
        Assert.Null(model.Tokenizer);
        Assert.Equal("hshare-tiny", model.Name);
    }

    [Fact]
    public void An_unknown_shape_is_refused_with_the_list()
    {
        HostBackend backend = new();
        ArgumentException error = Assert.Throws<ArgumentException>(() => Create("gpt-9", backend));
        Assert.Contains("llama-1b", error.Message);
        Assert.True(backend.IsDisposed);
    }

    private static LanguageModel Create(string shape, HostBackend backend) =>
        SyntheticModel.Create(shape, backend, cancellationToken: TestContext.Current.CancellationToken);
}
