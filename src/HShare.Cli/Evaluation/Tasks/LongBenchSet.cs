using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>How an English data set of LongBench is asked and scored: the values of its <c>config</c> folder and <c>eval.py</c>.</summary>
/// <param name="Name">Value of the records' <c>dataset</c>.</param>
/// <param name="MaxOutput">Most tokens of an answer.</param>
/// <param name="Metric">How answers are scored.</param>
/// <param name="Prompt">The user's turn with the places <c>{context}</c> and <c>{input}</c>; misspellings are the benchmark's.</param>
/// <param name="Plain">Whether it goes to the model without a chat template.</param>
/// <param name="FirstLine">Whether only the first line of an answer is scored.</param>
internal sealed record LongBenchSet(
    string Name, int MaxOutput, LongBenchMetric Metric, string Prompt, bool Plain = false, bool FirstLine = false)
{
    private const string Passages = """
        Answer the question based on the given passages. Only give me the answer and do not output any other words.

        The following are given passages.
        {context}

        Answer the question based on the given passages. Only give me the answer and do not output any other words.

        Question: {input}
        Answer:
        """;

    private const string ShortPhrase = "asconcisely as you can, using a single phrase if possible. Do not provide any explanation.";

    private const string Scientific =
        "as concisely as you can, using a single phrase or sentence if possible. If the question cannot be answered based on the " +
        "information in the article, write \"unanswerable\". If the question is a yes/no question, answer \"yes\", \"no\", or " +
        "\"unanswerable\". Do not provide any explanation.";

    /// <summary>The 16 sets, in LongBench's order.</summary>
    public static IReadOnlyList<LongBenchSet> All { get; } =
    [
        new("narrativeqa", 128, LongBenchMetric.F1,
            $"You are given a story, which can be either a novel or a movie script, and a question. Answer the question {ShortPhrase}" +
            $"\n\nStory: {{context}}\n\nNow, answer the question based on the story {ShortPhrase}\n\nQuestion: {{input}}\n\nAnswer:"),
        new("qasper", 128, LongBenchMetric.F1,
            $"You are given a scientific article and a question. Answer the question {Scientific}" +
            $"\n\nArticle: {{context}}\n\n Answer the question based on the above article {Scientific}\n\nQuestion: {{input}}\n\nAnswer:"),
        new("multifieldqa_en", 64, LongBenchMetric.F1,
            "Read the following text and answer briefly.\n\n{context}\n\nNow, answer the following question based on the above text, " +
            "only give me the answer and do not output any other words.\n\nQuestion: {input}\nAnswer:"),
        new("hotpotqa", 32, LongBenchMetric.F1, Passages),
        new("2wikimqa", 32, LongBenchMetric.F1, Passages),
        new("musique", 32, LongBenchMetric.F1, Passages),
        new("gov_report", 512, LongBenchMetric.RougeL,
            "You are given a report by a government agency. Write a one-page summary of the report.\n\nReport:\n{context}\n\n" +
            "Now, write a one-page summary of the report.\n\nSummary:"),
        new("qmsum", 512, LongBenchMetric.RougeL,
            "You are given a meeting transcript and a query containing a question or instruction. Answer the query in one or more " +
            "sentences.\n\nTranscript:\n{context}\n\nNow, answer the query based on the above meeting transcript in one or more " +
            "sentences.\n\nQuery: {input}\nAnswer:"),
        new("multi_news", 512, LongBenchMetric.RougeL,
            "You are given several news passages. Write a one-page summary of all news. \n\nNews:\n{context}\n\n" +
            "Now, write a one-page summary of all the news.\n\nSummary:"),
        new("trec", 64, LongBenchMetric.Classification,
            "Please determine the type of the question below. Here are some examples of questions.\n\n{context}\n{input}",
            Plain: true, FirstLine: true),
        new("triviaqa", 32, LongBenchMetric.F1,
            "Answer the question based on the given passage. Only give me the answer and do not output any other words. " +
            "The following are some examples.\n\n{context}\n\n{input}",
            Plain: true, FirstLine: true),
        new("samsum", 128, LongBenchMetric.RougeL,
            "Summarize the dialogue into a few short sentences. The following are some examples.\n\n{context}\n\n{input}",
            Plain: true, FirstLine: true),
        new("passage_count", 32, LongBenchMetric.Count,
            "There are some paragraphs below sourced from Wikipedia. Some of them may be duplicates. Please carefully read these " +
            "paragraphs and determine how many unique paragraphs there are after removing duplicates. In other words, how many " +
            "non-repeating paragraphs are there in total?\n\n{context}\n\nPlease enter the final count of unique paragraphs after " +
            "removing duplicates. The output format should only contain the number, such as 1, 2, 3, and so on.\n\nThe final answer is: "),
        new("passage_retrieval_en", 32, LongBenchMetric.Retrieval,
            "Here are 30 paragraphs from Wikipedia, along with an abstract. Please determine which paragraph the abstract is from.\n\n" +
            "{context}\n\nThe following is an abstract.\n\n{input}\n\nPlease enter the number of the paragraph that the abstract is " +
            "from. The answer format must be like \"Paragraph 1\", \"Paragraph 2\", etc.\n\nThe answer is: "),
        new("lcc", 64, LongBenchMetric.CodeSimilarity,
            "Please complete the code given below. \n{context}Next line of code:\n", Plain: true),
        new("repobench-p", 64, LongBenchMetric.CodeSimilarity,
            "Please complete the code given below. \n{context}{input}Next line of code:\n", Plain: true),
    ];

    /// <summary>The set of a name, or null; LongBench-E's <c>_e</c> at the end does not count.</summary>
    public static LongBenchSet? Find(string name) =>
        All.FirstOrDefault(set => set.Name == (name.EndsWith("_e", StringComparison.Ordinal) ? name[..^2] : name));

    /// <summary>The user's turn for a record's context and question.</summary>
    public string Ask(string context, string input)
    {
        string[] around = Prompt.Split("{context}"); // the text of a record may hold braces of its own
        return $"{around[0]}{context}{around[1].Replace("{input}", input, StringComparison.Ordinal)}";
    }

    /// <summary>The metric of a case.</summary>
    /// <param name="classes">Names of all classes, where the metric is <see cref="LongBenchMetric.Classification"/>.</param>
    public TaskMetric Scoring(IReadOnlyList<string> classes)
    {
        (string name, Func<string, string, double> score) = Metric switch
        {
            LongBenchMetric.F1 => ("f1", F1.Score),
            LongBenchMetric.RougeL => ("rouge_l", RougeL.Score),
            LongBenchMetric.Retrieval => ("retrieval", RetrievalScore.Score),
            LongBenchMetric.Count => ("count", CountScore.Score),
            LongBenchMetric.CodeSimilarity => ("code_similarity", CodeSimilarity.Score),
            _ => ("classification", (Func<string, string, double>)Classify),
        };
        return TaskMetric.Best(name, FirstLine ? (answer, reference) => score(Line(answer), reference) : score);

        double Classify(string answer, string reference) => Classification.Score(answer, reference, classes);

        static string Line(string answer) => answer.TrimStart('\n').Split('\n')[0];
    }
}

/// <summary>The metrics of LongBench's English data sets.</summary>
internal enum LongBenchMetric
{
    /// <summary><see cref="Metrics.F1"/>.</summary>
    F1,

    /// <summary><see cref="Metrics.RougeL"/>.</summary>
    RougeL,

    /// <summary><see cref="Metrics.Classification"/>.</summary>
    Classification,

    /// <summary><see cref="RetrievalScore"/>.</summary>
    Retrieval,

    /// <summary><see cref="CountScore"/>.</summary>
    Count,

    /// <summary><see cref="Metrics.CodeSimilarity"/>.</summary>
    CodeSimilarity,
}
