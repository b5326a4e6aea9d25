using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>
/// RULER's variable tracking (<c>vt</c>), in its wording: a value is given to a variable, that to another and so on, four times, the
/// assignments anywhere in a text but in order; all variables of the value are asked for. A solved example stands in front.
/// </summary>
internal static class RulerVariableTask
{
    /// <summary>Name of the task.</summary>
    public const string Name = "ruler_vt";

    private const int MaxOutput = 30;
    private const int Variables = 5;
    private const int Samples = 10;

    private static readonly TaskMetric[] Metrics = [new("string_match", StringMatch.All)];

    /// <summary>Makes the cases: some for each length.</summary>
    /// <param name="settings">Data is a text to hide the assignments in; without it, RULER's repeated sentences.</param>
    /// <exception cref="InputException">The text cannot be read, or a length is too short for the question.</exception>
    public static IReadOnlyList<TaskCase> Create(TaskSettings settings)
    {
        Haystack haystack = settings.Data is { } data ? Haystack.Read(data) : Haystack.Noise;
        return [.. TaskGrid.Of(settings, hasDepths: false, Samples).Select(cell => Case(haystack, cell, settings))];
    }

    private static TaskCase Case(Haystack haystack, TaskGrid cell, TaskSettings settings)
    {
        Draws draws = cell.Draw(settings.Seed, task: 3);
        Chain solved = Chain.Of(draws, letters: 3);
        Chain asked = Chain.Of(draws, letters: 5);
        string example = $"{Question(solved, Haystack.Noise, 5)} {Start(solved)} {string.Join(' ', solved.Names)}\n\n";
        int startTokens = settings.CountTokens(Start(asked));
        string prompt = Haystack.Fill(
            units => example + Question(asked, haystack, units), cell.Length, text => settings.CountTokens(text) + startTokens);
        return new TaskCase
        {
            Task = Name,
            Source = $"{Name} ({cell.Length} tokens, number {cell.Number})",
            Messages = TaskCase.Ask(prompt),
            AnswerStart = Start(asked),
            MaxOutputTokens = MaxOutput,
            References = asked.Names,
            Metrics = Metrics,
            Length = cell.Length,
        };
    }

    private static string Question(Chain chain, Haystack haystack, int units) =>
        $"Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n" +
        $"{haystack.Hide(units, chain.Assignments)}\n" +
        $"Question: Find all variables that are assigned the value {chain.Value} in the text above.";

    private static string Start(Chain chain) =>
        $"Answer: According to the chain(s) of variable assignment in the text above, {Variables} variables are assigned the value " +
        $"{chain.Value}, they are:";

    /// <summary>A value and the variables that have it.</summary>
    /// <param name="Value">Five digits.</param>
    /// <param name="Names">The variables, in the order in which they get it.</param>
    /// <param name="Assignments">How they get it, and where, 0 = start of the text, 1 = end.</param>
    private sealed record Chain(string Value, IReadOnlyList<string> Names, IReadOnlyList<(double Depth, string Text)> Assignments)
    {
        /// <summary>Draws a chain.</summary>
        public static Chain Of(Draws draws, int letters)
        {
            string value = $"{10_000 + draws.Below(90_000)}";
            IReadOnlyList<string> names = Draws.Distinct(
                Variables, () => string.Concat(Enumerable.Range(0, letters).Select(_ => (char)('A' + draws.Below(26)))));
            double[] depths = [.. Enumerable.Range(0, Variables).Select(_ => draws.Share()).Order()];
            return new Chain(
                value, names, [.. names.Select((name, i) => (depths[i], $"VAR {name} = {(i == 0 ? value : $"VAR {names[i - 1]}")}"))]);
        }
    }
}
