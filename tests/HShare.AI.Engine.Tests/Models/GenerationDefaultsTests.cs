using System.Text;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed class GenerationDefaultsTests
{
    [Fact]
    public void Everything_a_file_says_is_kept() => Assert.Equal(
        new GenerationDefaults(true, 0.7f, 40, 0.9f, 0.05f, 1.1f),
        Parse("""{"do_sample": true, "temperature": 0.7, "top_k": 40, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1}"""));

    [Fact]
    public void A_model_that_does_not_say_that_it_samples_is_greedy()
    {
        Assert.Equal(new GenerationDefaults(false, 0.9f, null, 0.6f, null, null), Parse("""{"temperature": 0.9, "top_p": 0.6}"""));
        Assert.Equal(GenerationDefaults.None, GenerationDefaults.Read(Path.GetTempPath()));
    }

    [Theory]
    [InlineData("""{"temperature": -1}""", "temperature is -1")]
    [InlineData("""{"top_k": -1}""", "top_k has to be")]
    [InlineData("""{"top_p": 1.5}""", "top_p is 1.5")]
    [InlineData("""{"min_p": -0.1}""", "min_p is -0.1")]
    [InlineData("""{"repetition_penalty": 0}""", "repetition_penalty is 0")]
    [InlineData("""{"do_sample": 1}""", "do_sample is 1; true or false")]
    public void A_value_out_of_range_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<ModelLoadException>(() => Parse(json)).Message);

    private static GenerationDefaults Parse(string json) =>
        GenerationDefaults.Parse(ModelJson.Parse("generation_config.json", Encoding.UTF8.GetBytes(json)));
}
