using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Tests.Tasks;

public sealed class Gsm8kTaskTests
{
    private const string One = """{"question": "How many?", "answer": "2 and 3 are 1,005.\n#### 1,005"}""";

    private const string Train = """
        {"question": "A?", "answer": "It is 1.\n#### 1"}
        {"question": "B?", "answer": "It is 2.\n#### 2"}
        """;

    [Fact]
    public void The_real_set_loads_with_its_answers()
    {
        string folder = TestFiles.Shared("assets", "eval", "gsm8k");

        IReadOnlyList<TaskCase> cases = TaskSource.Create("gsm8k", TaskTestSettings.Default with { Data = folder, Shots = 5 });

        Assert.Equal(1319, cases.Count);
        Assert.All(cases, task => Assert.Matches("^-?[0-9]+$", Assert.Single(task.References)));
        Assert.Equal(["18", "3", "70000"], cases.Take(3).Select(task => task.References[0]));
        Assert.Contains("2125", cases.SelectMany(task => task.References));
        Assert.All(cases, task => Assert.Equal(6, task.Text().Split("Question: ").Length - 1));
    }

    [Fact]
    public void Questions_follow_the_first_examples_of_the_training_file()
    {
        using var folder = new TemporaryFolder(("test.jsonl", One), ("train.jsonl", Train));

        TaskCase task = Assert.Single(TaskSource.Create("gsm8k", TaskTestSettings.Default with { Data = folder["test.jsonl"], Shots = 1 }));

        Assert.Equal("Question: A?\nAnswer: It is 1.\n#### 1\n\nQuestion: How many?\nAnswer:", task.Text());
        Assert.Equal(256, task.MaxOutputTokens);
        Assert.Equal($"{folder["test.jsonl"]}:1", task.Source);
    }

    [Theory]
    [InlineData("That makes 1,005.\n#### 1005", 1, 1)]
    [InlineData("That makes $1,005.", 1, 0)]
    [InlineData("#### 1005\n\nQuestion: And 7?", 1, 1)] // its own next question does not count
    [InlineData("#### 1006 or 1005", 1, 0)]
    [InlineData("", 0, 0)]
    public void Answers_are_scored_flexibly_and_strictly(string answer, double flexible, double strict)
    {
        using var file = new TemporaryFile(One);

        TaskCase task = Assert.Single(TaskSource.Create("gsm8k", TaskTestSettings.Default with { Data = file.Path }));

        Assert.Equal([new TaskScore("flexible", flexible), new TaskScore("strict", strict)], task.Scores(answer));
        Assert.Equal(flexible, task.Score(answer));
    }

    [Theory]
    [InlineData("not json", ":3 is not JSON")]
    [InlineData("[]", ":3 must be a JSON Object")]
    [InlineData("""{"question": "a"}""", ":3: \"answer\" must be a string")]
    [InlineData("""{"question": 1, "answer": "#### 1"}""", ":3: \"question\" must be a string")]
    [InlineData("""{"question": "a", "answer": "1"}""", ":3: \"answer\" must end with \"#### \"")]
    public void A_malformed_line_is_named(string line, string problem)
    {
        using var file = new TemporaryFile($"{One}\n\n{line}");

        InputException error = Assert.Throws<InputException>(
            () => TaskSource.Create("gsm8k", TaskTestSettings.Default with { Data = file.Path }));

        Assert.StartsWith($"{file.Path}{problem}", error.Message);
    }

    [Fact]
    public void Missing_examples_are_refused()
    {
        using var without = new TemporaryFolder(("test.jsonl", One));
        using var few = new TemporaryFolder(("test.jsonl", One), ("train.first2.jsonl", Train));

        Assert.Contains("train.jsonl", Refused(without, 1));
        Assert.Contains("holds 2 examples", Refused(few, 3));

        static string Refused(TemporaryFolder folder, int shots) => Assert.Throws<InputException>(
            () => TaskSource.Create("gsm8k", TaskTestSettings.Default with { Data = folder.Path, Shots = shots })).Message;
    }
}
