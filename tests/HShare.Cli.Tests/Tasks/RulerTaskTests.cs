using System.Text.RegularExpressions;
using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Tests.Tasks;

public sealed class RulerTaskTests
{
    [Theory]
    [InlineData("ruler_niah_single", false)]
    [InlineData("ruler_niah_single", true)]
    [InlineData("ruler_niah_multikey", false)]
    [InlineData("ruler_niah_multikey", true)]
    public void The_needle_asked_for_lies_at_the_depth_asked_for(string name, bool essays)
    {
        TaskSettings settings = Settings(essays) with { Lengths = [600, 4000], Depths = [0, 0.3, 1] };

        IReadOnlyList<TaskCase> cases = TaskSource.Create(name, settings);

        Assert.Equal(6, cases.Count);
        Assert.All(cases, task =>
        {
            string needle = Needle(Key(task), task.References[0]);
            string document = Document(task);
            int place = document.IndexOf(needle, StringComparison.Ordinal);
            Assert.Equal(task.Depth!.Value, (double)place / (document.Length - needle.Length), 0.1);
            Assert.Single(Regex.Matches(task.Text(), task.References[0]));
            Assert.Equal(1, task.Score($"{task.References[0]}."));
            Assert.Equal(0, task.Score("1"));
        });
        AssertLengths(cases, settings);
        AssertDifferent(cases);
    }

    [Fact]
    public void A_single_needle_is_asked_in_rulers_words()
    {
        TaskSettings settings = Settings(essays: false) with { Lengths = [300], Depths = [0] };
        TaskCase task = Assert.Single(TaskSource.Create("ruler_niah_single", settings));
        (string key, string value) = (Key(task), task.References[0]);

        Assert.StartsWith(
            "A special magic number is hidden within the following text. Make sure to memorize it. I will quiz you about the number " +
            $"afterwards.\nOne of the special magic numbers for {key} is: {value}.\nThe grass is green. The sky is blue.", task.Text());
        Assert.EndsWith($"again.\nWhat is the special magic number for {key} mentioned in the provided text?", task.Text());
        Assert.Equal($"The special magic number for {key} mentioned in the provided text is", task.AnswerStart);
        Assert.Matches("^[1-9][0-9]{6}$", value);
        Assert.Equal(128, task.MaxOutputTokens);
    }

    [Fact]
    public void Other_keys_surround_the_one_asked_for()
    {
        TaskSettings settings = Settings(essays: false) with { Lengths = [2000], Depths = [0.5] };
        TaskCase needles = Assert.Single(TaskSource.Create("ruler_niah_multikey", settings));
        TaskCase text = Assert.Single(TaskSource.Create("ruler_niah_multikey", settings with { Data = Settings(essays: true).Data }));

        Assert.All(Document(needles).Split('\n'), line => Assert.StartsWith("One of the special magic numbers for ", line));
        Assert.Equal(4, text.Text().Split("One of the special magic numbers for ").Length - 1);
        Assert.Single(Regex.Matches(needles.Text(), $"numbers for {Key(needles)} is"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_values_of_a_key_are_hidden_and_expected(bool essays)
    {
        TaskSettings settings = Settings(essays) with { Lengths = [1000, 3000], Samples = 3 };

        IReadOnlyList<TaskCase> cases = TaskSource.Create("ruler_niah_multivalue", settings);

        Assert.Equal(6, cases.Count);
        Assert.All(cases, task =>
        {
            Assert.Null(task.Depth);
            Assert.Equal(4, task.References.Distinct().Count());
            Assert.All(task.References, value => Assert.Contains(Needle(Key(task), value), task.Text()));
            Assert.StartsWith("Some special magic numbers are hidden", task.Text());
            Assert.EndsWith($"What are all the special magic numbers for {Key(task)} mentioned in the provided text?", task.Text());
            Assert.Equal(0.5, task.Score($"{task.References[3]} and {task.References[1]}"));
        });
        AssertLengths(cases, settings);
        AssertDifferent(cases);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_variables_of_a_chain_are_assigned_in_order_and_expected(bool essays)
    {
        TaskSettings settings = Settings(essays) with { Lengths = [1500, 4000], Samples = 4 };

        IReadOnlyList<TaskCase> cases = TaskSource.Create("ruler_vt", settings);

        Assert.Equal(8, cases.Count);
        Assert.All(cases, task =>
        {
            string question = task.Text()[task.Text().LastIndexOf("Memorize and track", StringComparison.Ordinal)..];
            string value = Regex.Match(question, "assigned the value ([0-9]{5}) in the text above\\.$").Groups[1].Value;
            string[] givers = [value, .. task.References.Select(name => $"VAR {name}")];
            int[] places = [.. task.References.Select((name, i) =>
                question.IndexOf($"VAR {name} = {givers[i]}", StringComparison.Ordinal))];
            Assert.Equal(5, task.References.Distinct().Count());
            Assert.DoesNotContain(-1, places);
            Assert.Equal(places.Order(), places);
            Assert.Equal(
                "Answer: According to the chain(s) of variable assignment in the text above, 5 variables are assigned the value " +
                $"{value}, they are:",
                task.AnswerStart);
            Assert.Equal(1, task.Score(string.Join(", ", task.References)));
        });
        AssertLengths(cases, settings);
        AssertDifferent(cases);
    }

    [Fact]
    public void Equal_seeds_make_equal_cases_and_others_do_not()
    {
        TaskSettings settings = Settings(essays: false) with { Lengths = [500], Depths = [0.5] };

        Assert.Equal(Text(seed: 1), Text(seed: 1));
        Assert.NotEqual(Text(seed: 1), Text(seed: 2));

        string Text(int seed) => TaskSource.Create("ruler_niah_single", settings with { Seed = seed })[0].Text();
    }

    private static TaskSettings Settings(bool essays) => essays
        ? TaskTestSettings.Default with { Data = TestFiles.Shared("assets", "eval", "needle-in-a-haystack", "PaulGrahamEssays") }
        : TaskTestSettings.Default;

    private static void AssertLengths(IReadOnlyList<TaskCase> cases, TaskSettings settings) => Assert.All(
        cases,
        task => Assert.InRange(
            settings.CountTokens(task.Text()) + settings.CountTokens(task.AnswerStart), task.Length!.Value * 0.95, task.Length.Value));

    private static void AssertDifferent(IReadOnlyList<TaskCase> cases) =>
        Assert.Equal(cases.Count, cases.Select(task => task.References[0]).Distinct().Count());

    private static string Key(TaskCase task) => Regex.Match(task.AnswerStart, "for ([a-z]+-[a-z]+) mentioned").Groups[1].Value;

    private static string Needle(string key, string value) => $"One of the special magic numbers for {key} is: {value}.";

    // The document, without the prompt's first and last line.
    private static string Document(TaskCase task)
    {
        string text = task.Text();
        return text[(text.IndexOf('\n') + 1)..text.LastIndexOf('\n')];
    }
}
