using HShare.AI.ChatTemplates;
using HShare.Cli.Evaluation;
using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Tests.Tasks;

public sealed class TaskSourceTests
{
    [Fact]
    public void An_unknown_task_is_refused_with_the_known_ones()
    {
        InputException error = Assert.Throws<InputException>(() => TaskSource.Create("mmlu", TaskTestSettings.Default));

        Assert.All(TaskSource.Names, name => Assert.Contains(name, error.Message));
        Assert.Equal(8, TaskSource.Names.Count);
    }

    [Fact]
    public void Settings_that_mean_nothing_to_a_task_are_refused()
    {
        TaskSettings settings = TaskTestSettings.Default with { Data = "x" };

        Assert.Contains("--lengths", Refused("gsm8k", settings with { Lengths = [100] }));
        Assert.Contains("--depths", Refused("longbench", settings with { Depths = [0.5] }));
        Assert.Contains("--shots", Refused("needle", settings with { Shots = 1 }));
        Assert.Contains("--samples", Refused("needle", settings with { Samples = 2 }));
        Assert.Contains("--depths", Refused("ruler_vt", settings with { Depths = [0.5] }));
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        TaskSettings settings = TaskTestSettings.Default with { Data = "x" };

        Assert.Contains("--shots", Refused("gsm8k", settings with { Shots = -1 }));
        Assert.Contains("--limit", Refused("gsm8k", settings with { Limit = 0 }));
        Assert.Contains("--lengths", Refused("needle", settings with { Lengths = [] }));
        Assert.Contains("--lengths", Refused("needle", settings with { Lengths = [1000, 0] }));
        Assert.Contains("--depths", Refused("needle", settings with { Depths = [1.5] }));
        Assert.Contains("--depths", Refused("needle", settings with { Depths = [double.NaN] }));
        Assert.Contains("--samples", Refused("ruler_vt", settings with { Samples = 0 }));
    }

    [Theory]
    [InlineData("gsm8k")]
    [InlineData("longbench")]
    [InlineData("musique")]
    [InlineData("needle")]
    public void A_set_without_its_data_says_what_it_needs(string task)
    {
        Assert.Contains("--data", Refused(task, TaskTestSettings.Default));
        Assert.Contains("nowhere", Refused(task, TaskTestSettings.Default with { Data = "nowhere" }));
    }

    [Fact]
    public void A_case_is_asked_through_the_template_with_the_start_of_its_answer()
    {
        ChatTemplate template = ChatTemplate.Load(TestFiles.TinyModel);
        TaskCase asked = Case() with { AnswerStart = "It is" };

        Assert.Equal(
            template.Render(asked.Messages, null, addGenerationPrompt: true) + "It is",
            TaskTestSettings.Tokenizer.Decode(asked.Encode(TaskTestSettings.Tokenizer, template)));
    }

    [Fact]
    public void A_plain_case_is_asked_as_it_is()
    {
        ChatTemplate template = ChatTemplate.Load(TestFiles.TinyModel);

        Assert.Equal(
            TaskTestSettings.Tokenizer.Encode("Where? "),
            (Case() with { Plain = true }).Encode(TaskTestSettings.Tokenizer, template));
    }

    [Fact]
    public void A_case_has_scores_by_every_metric_and_stands_for_the_first()
    {
        TaskCase task = Case();

        Assert.Equal([new TaskScore("first", 0.25), new TaskScore("second", 1)], task.Scores("x"));
        Assert.Equal(0.25, task.Score("x"));
    }

    [Fact]
    public void A_case_becomes_one_of_a_cases_file()
    {
        EvalCase converted = (Case() with { Length = 1000, Depth = 0.5 }).ToEvalCase();

        Assert.Equal("Where? ", (string?)converted.Messages[0]!["content"]);
        Assert.Equal("here", converted.Expected);
        Assert.Equal(new EvalMeta(1000, 0.5, "t"), converted.Meta);
    }

    private static string Refused(string name, TaskSettings settings) =>
        Assert.Throws<InputException>(() => TaskSource.Create(name, settings)).Message;

    private static TaskCase Case() => new()
    {
        Task = "t",
        Source = "s",
        Messages = TaskCase.Ask("Where? "),
        MaxOutputTokens = 5,
        References = ["here", "x"],
        Metrics =
        [
            TaskMetric.Best("first", (answer, reference) => answer == reference ? 0.25 : 0.1),
            new TaskMetric("second", (answer, references) => references.Contains(answer) ? 1 : 0),
        ],
    };
}
