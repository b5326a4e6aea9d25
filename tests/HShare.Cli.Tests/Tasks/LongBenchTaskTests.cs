using System.Text.Json;
using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Tests.Tasks;

public sealed class LongBenchTaskTests
{
    [Fact]
    public void There_are_sixteen_sets_each_with_places_for_its_record()
    {
        Assert.Equal(16, LongBenchSet.All.Count);
        Assert.All(LongBenchSet.All, set => Assert.Equal(2, set.Prompt.Split("{context}").Length));
        Assert.Equal(
            ["gov_report", "multi_news", "passage_count", "lcc"],
            LongBenchSet.All.Where(set => !set.Prompt.Contains("{input}")).Select(set => set.Name));
        Assert.Equal(
            ["trec", "triviaqa", "samsum", "lcc", "repobench-p"], LongBenchSet.All.Where(set => set.Plain).Select(set => set.Name));
        Assert.Equal(["trec", "triviaqa", "samsum"], LongBenchSet.All.Where(set => set.FirstLine).Select(set => set.Name));
    }

    [Fact]
    public void A_record_is_asked_in_the_words_of_its_set()
    {
        TaskCase task = Load(Record("hotpotqa", "Passage 1: {input} is kept.", "Where?", ["here", "there"]));

        Assert.Equal(
            """
            Answer the question based on the given passages. Only give me the answer and do not output any other words.

            The following are given passages.
            Passage 1: {input} is kept.

            Answer the question based on the given passages. Only give me the answer and do not output any other words.

            Question: Where?
            Answer:
            """,
            task.Text());
        Assert.Equal(("hotpotqa", 32, false), (task.Task, task.MaxOutputTokens, task.Plain));
        Assert.Equal([new TaskScore("f1", 1)], task.Scores("There."));
    }

    [Fact]
    public void Sets_are_scored_by_their_own_metric()
    {
        Assert.Equal(1, Load(Record("trec", "c", "q", ["City"], ["City", "Date"])).Score("\nCity\nDate"));
        Assert.Equal(0.5, Load(Record("trec", "c", "q", ["City"], ["City", "Date"])).Score("City Date"));
        Assert.Equal(1, Load(Record("triviaqa", "c", "q", ["Rome"])).Score("Rome\nPassage: more"));
        Assert.Equal(1, Load(Record("samsum", "c", "q", ["a b c"])).Score("a b c\nDialogue: d"), 6);
        Assert.Equal(0.5, Load(Record("gov_report", "c", "", ["a b"])).Score("b a"), 6);
        Assert.Equal(0.5, Load(Record("passage_count", "c", "", ["3"])).Score("3 or 4"));
        Assert.Equal(1, Load(Record("passage_retrieval_en_e", "c", "q", ["Paragraph 3"])).Score("3"));
        Assert.Equal(0.75, Load(Record("lcc", "c", "", ["abcd"])).Score("abxd"));
    }

    [Fact]
    public void Long_prompts_lose_their_middle_at_each_length_asked_for()
    {
        using var file = new TemporaryFile(Record("hotpotqa", string.Join(' ', Enumerable.Range(1000, 500)), "Where?", ["here"]));

        IReadOnlyList<TaskCase> cases = TaskSource.Create(
            "longbench", TaskTestSettings.Default with { Data = file.Path, Lengths = [200, 100_000] });

        Assert.Equal([200, 100_000], cases.Select(task => task.Length));
        Assert.Equal(200, TaskTestSettings.Default.CountTokens(cases[0].Text()), tolerance: 2);
        Assert.StartsWith("Answer the question", cases[0].Text());
        Assert.EndsWith("Question: Where?\nAnswer:", cases[0].Text());
        Assert.Contains("\n1000 1001", cases[0].Text());
        Assert.DoesNotContain(" 1250 ", cases[0].Text());
        Assert.Contains(" 1250 ", cases[1].Text());
    }

    [Fact]
    public void A_folder_gives_its_english_sets_in_order_with_a_limit_for_each()
    {
        string qasper = Record("qasper", "c", "q", ["a"]);
        string trec = Record("trec", "c", "q", ["City"], ["City"]);
        using var folder = new TemporaryFolder(
            ("trec.jsonl", $"{trec}\n{trec}\n"), ("qasper.jsonl", qasper), ("qasper_e.jsonl", qasper), ("vcsum.jsonl", "never read"));

        IReadOnlyList<TaskCase> cases = TaskSource.Create("longbench", TaskTestSettings.Default with { Data = folder.Path, Limit = 1 });

        Assert.Equal(["qasper", "trec"], cases.Select(task => task.Task));
    }

    [Theory]
    [InlineData("dureader", """["a"]""", "none of LongBench's English sets")]
    [InlineData("qasper", "[]", "\"answers\" is empty")]
    [InlineData("qasper", "[1]", "\"answers\" must be an array of strings")]
    [InlineData("trec", """["City"]""", "\"all_classes\" must be an array of strings")]
    [InlineData("passage_retrieval_en", """["3"]""", "must be \"Paragraph N\"")]
    public void A_malformed_record_is_named(string dataset, string answers, string problem)
    {
        using var file = new TemporaryFile(
            $$"""{"dataset": "{{dataset}}", "context": "c", "input": "q", "answers": {{answers}}, "all_classes": null}""");

        InputException error = Assert.Throws<InputException>(
            () => TaskSource.Create("longbench", TaskTestSettings.Default with { Data = file.Path }));

        Assert.StartsWith($"{file.Path}:1: ", error.Message);
        Assert.Contains(problem, error.Message);
    }

    [Fact]
    public void Musique_loads_with_its_passages()
    {
        string path = TestFiles.Shared("assets", "eval", "CacheBlend", "musique_s.json");

        IReadOnlyList<TaskCase> cases = TaskSource.Create("musique", TaskTestSettings.Default with { Data = path });

        Assert.Equal(150, cases.Count);
        Assert.Equal("Exeter College", cases[0].References[0]);
        Assert.Contains("\n\nPassage 10:\n", cases[0].Text());
        Assert.EndsWith("Question: Where was the author of Hannibal and Scipio educated at?\nAnswer:", cases[0].Text());
        Assert.Equal([new TaskScore("f1", 1), new TaskScore("exact_match", 1)], cases[0].Scores("Exeter College."));
    }

    private static TaskCase Load(string record)
    {
        using var file = new TemporaryFile(record);
        return Assert.Single(TaskSource.Create("longbench", TaskTestSettings.Default with { Data = file.Path }));
    }

    private static string Record(string dataset, string context, string input, string[] answers, string[]? classes = null) =>
        JsonSerializer.Serialize(new
        {
            input,
            context,
            answers,
            length = 3,
            dataset,
            language = "en",
            all_classes = classes,
            _id = "1",
        });
}
