using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Tests.Tasks;

public sealed class NeedleTaskTests
{
    private const string Text = "One goes home. Two stays here! Three waits? \"Four sings.\" Five ends.";

    [Fact]
    public void The_grid_over_the_essays_has_the_lengths_and_depths_asked_for()
    {
        string essays = TestFiles.Shared("assets", "eval", "needle-in-a-haystack", "PaulGrahamEssays");
        TaskSettings settings = TaskTestSettings.Default with
        {
            Data = essays,
            Lengths = [500, 1000, 2000, 6000],
            Depths = [0, 0.25, 0.5, 1],
        };

        IReadOnlyList<TaskCase> cases = TaskSource.Create("needle", settings);

        Assert.Equal(16, cases.Count);
        Assert.Equal([500, 500, 500, 500, 1000], cases.Take(5).Select(task => task.Length!.Value));
        Assert.All(cases, task =>
        {
            Assert.InRange(settings.CountTokens(task.Text()), task.Length!.Value * 0.95, task.Length.Value);
            Assert.Equal(task.Depth!.Value, DepthOf(settings.Needle.Text, task.Text()), 0.1);
        });
    }

    [Fact]
    public void A_case_is_scored_by_the_share_of_what_is_expected()
    {
        using var file = new TemporaryFile(Text);

        TaskCase task = TaskSource.Create("needle", TaskTestSettings.Default with { Data = file.Path, Lengths = [200], Limit = 1 })[0];

        Assert.Equal(1, task.Score("Eat a sandwich in Dolores Park."));
        Assert.Equal(0.5, task.Score("Eat a sandwich."));
        Assert.Equal(0, task.Score("Run."));
    }

    [Fact]
    public void A_needle_of_ones_own_stands_between_sentences_and_the_text_repeats()
    {
        using var file = new TemporaryFile(Text);
        var needle = new Needle("The key is blue.", "What is the key?", ["blue"]);

        TaskCase task = Assert.Single(TaskSource.Create(
            "needle", TaskTestSettings.Default with { Data = file.Path, Lengths = [300], Depths = [0.5], Needle = needle }));

        Assert.Matches("[.!?\"] The key is blue\\. (One|Two|Three|\"Four|Five)", task.Text());
        Assert.Contains("Five ends. One goes home.", task.Text());
        Assert.Contains("\n\nWhat is the key? Don't give", task.Text());
        Assert.Equal(["blue"], task.References);
    }

    [Fact]
    public void A_limit_counts_for_each_length()
    {
        using var file = new TemporaryFile(Text);

        IReadOnlyList<TaskCase> cases = TaskSource.Create(
            "needle", TaskTestSettings.Default with { Data = file.Path, Lengths = [300, 200], Limit = 2 });

        Assert.Equal([(300, 0), (300, 0.1), (200, 0), (200, 0.1)], cases.Select(task => (task.Length!.Value, task.Depth!.Value)));
    }

    [Fact]
    public void A_length_too_short_for_the_question_is_refused()
    {
        using var file = new TemporaryFile(Text);

        InputException error = Assert.Throws<InputException>(
            () => TaskSource.Create("needle", TaskTestSettings.Default with { Data = file.Path, Lengths = [20] }));

        Assert.Contains("20 tokens is too short", error.Message);
    }

    [Fact]
    public void A_folder_without_text_is_refused()
    {
        using var folder = new TemporaryFolder(("a.md", Text));

        Assert.Contains("holds no text", Assert.Throws<InputException>(
            () => TaskSource.Create("needle", TaskTestSettings.Default with { Data = folder.Path })).Message);
    }

    // Where a statement stands in the document between the prompt's first and last paragraph, 0 to 1 by characters.
    private static double DepthOf(string statement, string prompt)
    {
        string document = string.Join("\n\n", prompt.Split("\n\n")[1..^1]);
        return (double)document.IndexOf(statement, StringComparison.Ordinal) / (document.Length - statement.Length);
    }
}
