using HShare.AI.Engine.Models;
using HShare.AI.Engine.Tests.Models;
using HShare.AI.Engine.Verification;

namespace HShare.AI.Engine.Tests.Verification;

public sealed class ReferenceSetTests
{
    [Fact]
    public void Reads_all_and_top_logits_and_ignores_other_keys()
    {
        ReferenceSet set = Read(
            """
            {"reference": "by hand", "made": "today", "cases": [
                {"input_ids": [1, 2], "last_logits": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "greedy_ids": [3], "greedy_margins": [0.5]},
                {"name": "second", "input_ids": [4], "top_logits": [[7, 2.5], [0, -1]], "greedy_ids": [], "greedy_margins": [], "text": 0}]}
            """);

        Assert.Equal("by hand", set.Reference);
        Assert.Equal(["case 1", "second"], set.Cases.Select(c => c.Name));
        Assert.Equal([1, 2], set.Cases[0].InputIds);
        Assert.Equal(10, set.Cases[0].Logits.Count);
        Assert.Equal(new ReferenceLogit(9, 9), set.Cases[0].Logits[9]);
        Assert.Equal([3], set.Cases[0].GreedyIds);
        Assert.Equal([0.5f], set.Cases[0].GreedyMargins);
        Assert.Equal([new ReferenceLogit(7, 2.5f), new ReferenceLogit(0, -1)], set.Cases[1].Logits);
    }

    [Theory]
    [InlineData("""{}""", "cases is missing")]
    [InlineData("""{"cases": []}""", "cases is empty")]
    [InlineData("""{"cases": [1]}""", "cases[0] is 1; an object was expected")]
    [InlineData("""{"cases": [{"greedy_ids": [], "greedy_margins": [], "top_logits": [[0, 1]]}]}""", "cases[0].input_ids is missing")]
    [InlineData(
        """{"cases": [{"input_ids": [], "greedy_ids": [], "greedy_margins": [], "top_logits": [[0, 1]]}]}""",
        "cases[0].input_ids is empty")]
    [InlineData("""{"cases": [{"input_ids": [10], "greedy_ids": [], "greedy_margins": [], "top_logits": [[0, 1]]}]}""", "input_ids has 10")]
    [InlineData(
        """{"cases": [{"input_ids": ["a"], "greedy_ids": [], "greedy_margins": [], "top_logits": [[0, 1]]}]}""",
        "input_ids[0] is \"a\"")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [-1], "greedy_margins": [1], "top_logits": [[0, 1]]}]}""",
        "greedy_ids has -1")]
    [InlineData("""{"cases": [{"input_ids": [1], "greedy_ids": [1], "top_logits": [[0, 1]]}]}""", "greedy_margins is missing")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [1], "greedy_margins": [], "top_logits": [[0, 1]]}]}""",
        "has 0 entries for 1")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [], "greedy_margins": []}]}""",
        "last_logits is missing, and top_logits too")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [], "greedy_margins": [], "last_logits": [1, 2]}]}""",
        "last_logits has 2 entries")]
    [InlineData("""{"cases": [{"input_ids": [1], "greedy_ids": [], "greedy_margins": [], "top_logits": []}]}""", "top_logits is empty")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [], "greedy_margins": [], "top_logits": [[10, 1]]}]}""",
        "top_logits[0] has to be")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [], "greedy_margins": [], "top_logits": [[1]]}]}""",
        "top_logits[0] has to be")]
    [InlineData(
        """{"cases": [{"input_ids": [1], "greedy_ids": [], "greedy_margins": [], "top_logits": [1]}]}""",
        "top_logits[0] has to be")]
    [InlineData("nonsense", "not valid JSON")]
    public void A_damaged_file_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<ModelLoadException>(() => Read(json)).Message);

    [Fact]
    public void A_prompt_beyond_the_context_is_refused()
    {
        string ids = string.Join(", ", Enumerable.Repeat(1, 65));
        string json = $$"""{"cases": [{"input_ids": [{{ids}}], "greedy_ids": [], "greedy_margins": [], "top_logits": [[0, 1]]}]}""";
        Assert.Contains("the model's context holds 64", Assert.Throws<ModelLoadException>(() => Read(json)).Message);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        using var folder = ModelFolder.Valid();
        ModelConfig config = ModelConfigReader.Read(folder.Path);
        var error = Assert.Throws<ModelLoadException>(() => ReferenceSet.Read(folder.PathOf("golden.json"), config));
        Assert.Contains("missing", error.Message);
    }

    private static ReferenceSet Read(string json)
    {
        using var folder = ModelFolder.Valid();
        folder.Write(ReferenceSet.FileName, json);
        return ReferenceSet.Read(folder.PathOf(ReferenceSet.FileName), ModelConfigReader.Read(folder.Path));
    }
}
