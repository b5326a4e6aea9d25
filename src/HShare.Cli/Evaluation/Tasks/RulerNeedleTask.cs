using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>
/// RULER's needles in a haystack, in its wording: magic numbers that belong to words, hidden in a text; some are asked for. The haystack is
/// RULER's repeated sentences, or the data's text. The length counts the user's turn and the start of the answer in tokens.
/// </summary>
internal static class RulerNeedleTask
{
    /// <summary>Name of the task with one needle: RULER's <c>niah_single_1</c>, or with text <c>niah_single_2</c>.</summary>
    public const string Single = "ruler_niah_single";

    /// <summary>
    /// Name of the task with needles of other keys around the one that is asked for: in a haystack of nothing but such
    /// (<c>niah_multikey_2</c>), or three of them in a text (<c>niah_multikey_1</c>).
    /// </summary>
    public const string MultiKey = "ruler_niah_multikey";

    /// <summary>Name of the task with four needles of the key that is asked for (<c>niah_multivalue</c>): all must be named.</summary>
    public const string MultiValue = "ruler_niah_multivalue";

    private const int MaxOutput = 128;
    private const int OtherNeedles = 2000; // a longer document repeats them: some 40,000 tokens
    private const int ScatteredSamples = 10;

    private static readonly TaskMetric[] Metrics = [new("string_match", StringMatch.All)];

    /// <summary>Makes the cases of <see cref="Single"/>: a grid of lengths and depths.</summary>
    /// <exception cref="InputException">The text cannot be read, or a length is too short for the question.</exception>
    public static IReadOnlyList<TaskCase> CreateSingle(TaskSettings settings)
    {
        Haystack haystack = settings.Data is { } data ? Haystack.Read(data) : Haystack.Noise;
        return [.. TaskGrid.Of(settings, hasDepths: true, samples: 1).Select(cell =>
        {
            Draws draws = cell.Draw(settings.Seed, task: 0);
            (string key, string value) = (RulerWords.Key(draws), RulerWords.Number(draws));
            return Case(Single, settings, cell, haystack, key, [value], [(cell.Depth!.Value, Statement(key, value))]);
        })];
    }

    /// <summary>Makes the cases of <see cref="MultiKey"/>: a grid of lengths and depths.</summary>
    /// <exception cref="InputException">The text cannot be read, or a length is too short for the question.</exception>
    public static IReadOnlyList<TaskCase> CreateMultiKey(TaskSettings settings)
    {
        Haystack? text = settings.Data is { } data ? Haystack.Read(data) : null;
        return [.. TaskGrid.Of(settings, hasDepths: true, samples: 1).Select(cell =>
        {
            Draws draws = cell.Draw(settings.Seed, task: 1);
            (string key, string value) = (RulerWords.Key(draws), RulerWords.Number(draws));
            string[] others = [.. Enumerable.Range(0, text is null ? OtherNeedles : 3).Select(_ => OtherStatement(draws, key, value))];
            (double, string)[] hidden = [(cell.Depth!.Value, Statement(key, value))];
            return text is null
                ? Case(MultiKey, settings, cell, new Haystack(others, "\n"), key, [value], hidden)
                : Case(MultiKey, settings, cell, text, key, [value], [.. hidden, .. others.Select(other => (draws.Share(), other))]);
        })];
    }

    /// <summary>Makes the cases of <see cref="MultiValue"/>: some for each length, the needles anywhere.</summary>
    /// <exception cref="InputException">The text cannot be read, or a length is too short for the question.</exception>
    public static IReadOnlyList<TaskCase> CreateMultiValue(TaskSettings settings)
    {
        Haystack haystack = settings.Data is { } data ? Haystack.Read(data) : Haystack.Noise;
        return [.. TaskGrid.Of(settings, hasDepths: false, ScatteredSamples).Select(cell =>
        {
            Draws draws = cell.Draw(settings.Seed, task: 2);
            string key = RulerWords.Key(draws);
            IReadOnlyList<string> values = Draws.Distinct(4, () => RulerWords.Number(draws));
            (double, string)[] hidden = [.. values.Select(value => (draws.Share(), Statement(key, value)))];
            return Case(MultiValue, settings, cell, haystack, key, values, hidden);
        })];
    }

    private static TaskCase Case(
        string task,
        TaskSettings settings,
        TaskGrid cell,
        Haystack haystack,
        string key,
        IReadOnlyList<string> values,
        IReadOnlyList<(double Depth, string Text)> statements)
    {
        (string some, string number, string hidden, string all) = values.Count == 1
            ? ("A", "number", "is", "is")
            : ("Some", "numbers", "are", "are all");
        string start = $"The special magic {number} for {key} mentioned in the provided text {hidden}";
        int startTokens = settings.CountTokens(start);
        string prompt = Haystack.Fill(Build, cell.Length, text => settings.CountTokens(text) + startTokens);
        return new TaskCase
        {
            Task = task,
            Source = $"{task} ({cell.Length} tokens, number {cell.Number})",
            Messages = TaskCase.Ask(prompt),
            AnswerStart = start,
            MaxOutputTokens = MaxOutput,
            References = values,
            Metrics = Metrics,
            Length = cell.Length,
            Depth = cell.Depth,
        };

        string Build(int units) =>
            $"{some} special magic {number} {hidden} hidden within the following text. Make sure to memorize it. " +
            $"I will quiz you about the {number} afterwards.\n{haystack.Hide(units, statements)}\n" +
            $"What {all} the special magic {number} for {key} mentioned in the provided text?";
    }

    private static string OtherStatement(Draws draws, string key, string value)
    {
        IReadOnlyList<string> keys = Draws.Distinct(2, () => RulerWords.Key(draws));
        IReadOnlyList<string> values = Draws.Distinct(2, () => RulerWords.Number(draws));
        return Statement(keys.First(other => other != key), values.First(other => other != value));
    }

    private static string Statement(string key, string value) => $"One of the special magic numbers for {key} is: {value}.";
}
