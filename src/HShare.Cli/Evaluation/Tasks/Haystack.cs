using System.Text.RegularExpressions;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>Text without meaning to the question, to hide statements between its sentences. It repeats as often as needed.</summary>
/// <param name="units">What it is cut into: words or whole lines, at least one.</param>
/// <param name="separator">What stands between two units.</param>
internal sealed partial class Haystack(IReadOnlyList<string> units, string separator)
{
    private readonly bool[] _endsSentence = [.. units.Select(unit => SentenceEnd().IsMatch(unit))];

    /// <summary>RULER's haystack of five sentences over and over, a line each time.</summary>
    public static Haystack Noise { get; } =
        new(["The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."], "\n");

    /// <summary>The words of a text file, or of a folder's files <c>*.txt</c> in order of their names, one space between two.</summary>
    /// <exception cref="InputException">There is nothing, or nothing that can be read.</exception>
    public static Haystack Read(string path)
    {
        try
        {
            string[] files = Directory.Exists(path) ? [.. Directory.GetFiles(path, "*.txt").Order(StringComparer.Ordinal)] : [path];
            string text = string.Join(' ', files.Select(File.ReadAllText));
            string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return words.Length > 0 ? new Haystack(words, " ") : throw new InputException($"{path} holds no text (*.txt).");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException($"The text {path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>The first units with statements between their sentences.</summary>
    /// <param name="count">How many units.</param>
    /// <param name="statements">Each goes to the start, end or border of two sentences that is nearest to its depth (0 = start, 1 = end, by
    /// characters); those of one place keep their order.</param>
    public string Hide(int count, IEnumerable<(double Depth, string Text)> statements)
    {
        List<(int Unit, int Place)> borders = [(0, 0)];
        int place = 0;
        for (int i = 0; i < count; i++)
        {
            place += units[i % units.Count].Length + separator.Length;
            if (_endsSentence[i % units.Count] || i == count - 1)
                borders.Add((i + 1, place));
        }

        ILookup<int, string> hidden = statements.ToLookup(
            statement => borders.MinBy(border => Math.Abs(border.Place - (statement.Depth * place))).Unit, statement => statement.Text);
        List<string> parts = [.. hidden[0]];
        for (int i = 0; i < count; i++)
        {
            parts.Add(units[i % units.Count]);
            parts.AddRange(hidden[i + 1]);
        }

        return string.Join(separator, parts);
    }

    /// <summary>Makes the longest document that still fits.</summary>
    /// <param name="build">The whole prompt with a number of units.</param>
    /// <param name="length">Most tokens of it; it falls short by about a unit at most, or by half a percent where that is more.</param>
    /// <param name="countTokens">Tokens of a prompt.</param>
    /// <exception cref="InputException">Not even the prompt without any unit fits.</exception>
    public static string Fill(Func<int, string> build, int length, Func<string, int> countTokens)
    {
        string best = build(0);
        int bare = countTokens(best);
        if (bare > length)
            throw new InputException($"A length of {length} tokens is too short: the question alone takes {bare}.");

        (int Units, int Tokens) fits = (0, bare);
        (int Units, int Tokens) over = (int.MaxValue, 0);
        double perUnit = Math.Max(1, (countTokens(build(16)) - bare) / 16.0); // a first guess; two measured points correct it
        double slack = Math.Max(perUnit, length / 200.0);
        while (fits.Units + 1 < over.Units && length - fits.Tokens > slack)
        {
            double slope = over.Units == int.MaxValue ? perUnit : (double)(over.Tokens - fits.Tokens) / (over.Units - fits.Units);
            int more = (int)((length - (slack / 2) - fits.Tokens) / slope); // the middle of what is near enough
            int next = Math.Clamp(fits.Units + more, fits.Units + 1, over.Units - 1);
            string prompt = build(next);
            int taken = countTokens(prompt);
            if (taken <= length)
                (best, fits) = (prompt, (next, taken));
            else
                over = (next, taken);
        }

        return best;
    }

    [GeneratedRegex(@"[.!?][""')\]]*$")]
    private static partial Regex SentenceEnd();
}
