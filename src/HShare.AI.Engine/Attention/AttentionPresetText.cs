using System.Globalization;

namespace HShare.AI.Engine.Attention;

/// <summary>Presets as text: <c>name[:ratios][,word][,key=value]...</c></summary>
internal static class AttentionPresetText
{
    private const NumberStyles Fraction = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    // What a plan fixes.
    private static readonly string[] OfPlan = ["ratios", "dilate", "dense", "planner", "threshold", "share"];

    private static readonly Dictionary<string, string[]> Keys = new()
    {
        ["full"] = [],
        ["streaming-llm"] = ["budget", "sinks"],
        ["h2o"] = ["budget"],
        ["quest"] = ["budget", "sinks", "window", "dense"],
        ["double-sparse"] = ["budget", "sinks", "window", "dense", "channels"],
        ["hshare"] = ["ratios", "budget", "sinks", "window", "dense", "channels", "retriever", "dilate", "planner", "plan"],
        ["pod"] = ["share", "proximal", "threshold", "plan"],
        ["hshare+pod"] =
            ["ratios", "budget", "sinks", "window", "dense", "channels", "retriever", "dilate", "planner", "plan", "share", "proximal"],
    };

    private static readonly (string Name, Retriever Retriever)[] Retrievers =
        [("pages", Retriever.PageBounds), ("labels", Retriever.LabelChannels), ("exact", Retriever.Exact)];

    /// <summary>The ratios of hshare where none are given.</summary>
    public static SharingRatios DefaultRatios { get; } = SharingRatios.Parse("1/2-1-1/4");

    /// <summary>Names of the methods.</summary>
    public static IReadOnlyCollection<string> Names => Keys.Keys;

    /// <inheritdoc cref="AttentionPreset.Parse"/>
    public static AttentionPreset Parse(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        (string name, string rest) = text.Split(':', 2) is [string head, string tail] ? (head.Trim(), tail) : (text.Trim(), "");
        if (!Keys.TryGetValue(name, out string[]? known))
            throw Fault(text, $"there is no method '{name}'. Methods are {string.Join(", ", Names)}");

        Settings settings = new(text, Read(text, name, known, rest));
        try
        {
            return Create(name, settings);
        }
        catch (ArgumentException error) when (!error.Message.StartsWith("The attention preset", StringComparison.Ordinal))
        {
            throw Fault(text, error.Message.TrimEnd('.'), error);
        }
    }

    /// <inheritdoc cref="AttentionPreset.ToString"/>
    public static string Write(AttentionPreset preset)
    {
        List<string> parts = [];
        if (Knows("ratios") && preset.PlanFile is null)
            parts.Add(preset.Ratios.ToString());
        if (preset.Budget is { } budget)
        {
            parts.Add(budget.Share > 0 ? Invariant($"budget={budget.Share:R}") : Invariant($"budget={budget.Total}"));
            if (Knows("sinks"))
                parts.Add(Invariant($"sinks={budget.Sinks}"));
            if (Knows("window"))
                parts.Add(Invariant($"window={budget.Window}"));
        }

        if (Knows("retriever"))
            parts.Add("retriever=" + Retrievers.First(item => item.Retriever == preset.Retriever).Name);
        if (preset.LabelChannels > 0)
            parts.Add(Invariant($"channels={preset.LabelChannels}"));
        if (preset.Dilation is { } dilation)
            parts.Add(Invariant($"dilate={dilation}"));
        if (preset.DenseLayers > 0)
            parts.Add(Invariant($"dense={preset.DenseLayers}"));
        if (preset.PlanFile is { } file)
            parts.Add("plan=" + file);
        else if (preset.Planner != SharingPlanner.Mass)
            parts.Add("planner=greedy");
        if (preset.Distant is { } distant)
        {
            if (preset.PlanFile is null)
                parts.Add(distant.Scores ? "scores" : "keys");
            parts.Add(Invariant($"proximal={distant.Sinks}+{distant.Recent}"));
            if (Knows("threshold") && preset.PlanFile is null)
                parts.Add(Invariant($"threshold={distant.Threshold:R}"));
        }

        return parts.Count == 0 ? preset.Name : $"{preset.Name}:{string.Join(',', parts)}";

        bool Knows(string key) => Keys[preset.Name].Contains(key);
    }

    private static Dictionary<string, string> Read(string text, string name, string[] known, string rest)
    {
        Dictionary<string, string> values = [];
        foreach (string part in rest.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            (string key, string value) = part.Split('=', 2) switch
            {
                [string k, string v] => (k.Trim(), v.Trim()),
                ["keys" or "scores"] => ("share", part),
                _ when char.IsAsciiDigit(part[0]) && part.Contains('-') => ("ratios", part),
                _ => (part, ""),
            };
            if (!known.Contains(key))
                throw Fault(text, $"{name} knows no '{part}'. It knows {(known.Length == 0 ? "no settings" : string.Join(", ", known))}");
            if (value.Length == 0)
                throw Fault(text, $"'{key}' has no value");
            if (!values.TryAdd(key, value))
                throw Fault(text, $"'{key}' is given twice");
        }

        if (values.ContainsKey("plan") && OfPlan.FirstOrDefault(values.ContainsKey) is { } given)
            throw Fault(text, $"a plan brings its own {string.Join(", ", OfPlan.Where(known.Contains))}; leave '{given}' out");
        return values;
    }

    private static AttentionPreset Create(string name, Settings settings) => name switch
    {
        "full" => AttentionPreset.Full,
        "streaming-llm" => AttentionPreset.StreamingLlm(
            settings.Number("budget") ?? AttentionPreset.DefaultBudget, settings.Number("sinks") ?? 4),
        "h2o" => AttentionPreset.H2O(settings.Number("budget") ?? AttentionPreset.DefaultBudget),
        "quest" => AttentionPreset.Quest(settings.Budget(), settings.Number("dense") ?? 0),
        "double-sparse" => AttentionPreset.DoubleSparse(settings.Budget(), settings.Number("channels") ?? 0, settings.Number("dense") ?? 0),
        "pod" => AttentionPreset.Pod(settings.Distant(scores: false, threshold: 0.5), settings.Text("plan")),
        "hshare" => HShare(settings),
        _ => AttentionPreset.HSharePod(HShare(settings), settings.Distant(scores: true, threshold: 0)),
    };

    private static AttentionPreset HShare(Settings settings) => AttentionPreset.HShare(
        settings.Text("ratios") is { } ratios ? SharingRatios.Parse(ratios) : null,
        settings.Budget(),
        settings.Choice("retriever", Retrievers) ?? Retriever.PageBounds,
        settings.Number("dilate"),
        settings.Choice("planner", [("mass", SharingPlanner.Mass), ("greedy", SharingPlanner.Greedy)]) ?? SharingPlanner.Mass,
        settings.Text("plan"),
        settings.Number("dense") ?? 0,
        settings.Number("channels") ?? 0);

    private static ArgumentException Fault(string text, string problem, Exception? inner = null) =>
        new($"The attention preset '{text}' cannot be used: {problem}.", inner);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class Settings(string preset, Dictionary<string, string> values)
    {
        public string? Text(string key) => values.GetValueOrDefault(key);

        public int? Number(string key)
        {
            if (Text(key) is not { } text)
                return null;
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
                ? value
                : throw Fault(preset, $"{key} is '{text}', which is not a whole number of 0 or more");
        }

        public T? Choice<T>(string key, (string Name, T Value)[] choices)
            where T : struct
        {
            if (Text(key) is not { } text)
                return null;
            foreach ((string name, T value) in choices)
            {
                if (name == text)
                    return value;
            }

            throw Fault(preset, $"{key} is '{text}', which is not one of {string.Join(", ", choices.Select(choice => choice.Name))}");
        }

        /// <summary>A budget as a count of tokens, or as a share of the context: 512, 1/8, 0.125.</summary>
        public TokenBudget? Budget()
        {
            int sinks = Number("sinks") ?? 16, window = Number("window") ?? 64;
            if (Text("budget") is not { } text)
                return new TokenBudget(sinks, window, Math.Max(AttentionPreset.DefaultBudget, sinks + window + 32));
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int total) && total > 1)
                return new TokenBudget(sinks, window, total);
            if (double.TryParse(text, Fraction, CultureInfo.InvariantCulture, out double share) && share is > 0 and <= 1)
                return new TokenBudget(sinks, window, 0, share);
            if (text.Contains('/'))
            {
                SharingRatio ratio = SharingRatio.Parse(text);
                return new TokenBudget(sinks, window, 0, (double)ratio.Numerator / ratio.Denominator);
            }

            throw Fault(preset, $"budget is '{text}', which is neither a number of tokens nor a share of the context such as 1/8");
        }

        public DistantAttention Distant(bool scores, double threshold)
        {
            (int sinks, int recent) = (16, 496);
            if (Text("proximal") is { } text)
            {
                if (text.Split('+') is not [string first, string last]
                    || !int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out sinks)
                    || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out recent))
                    throw Fault(preset, $"proximal is '{text}', which is not first+recent tokens such as 16+496");
            }

            if (Text("threshold") is { } given
                && !double.TryParse(given, Fraction, CultureInfo.InvariantCulture, out threshold))
                throw Fault(preset, $"threshold is '{given}', which is not a number from 0 to 1");
            return new DistantAttention(Choice("share", [("keys", false), ("scores", true)]) ?? scores, sinks, recent, threshold);
        }
    }
}
