using System.CommandLine;
using HShare.AI;
using HShare.AI.ChatTemplates;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Tokenization;
using HShare.Cli.Calibration;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary>
/// <c>hshare calibrate</c>: learns from texts which layers and heads of a model attend alike, and makes a sharing plan of it.
/// </summary>
internal sealed class CalibrateCommand : ToolCommand
{
    private const int HeldOutEvery = 4; // of the texts, every fourth is kept to judge plans by

    private readonly Option<string[]> _texts = new("--text")
    {
        Description = "Texts to read, of the kind the model is for",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _document = new("--document", "-d")
    {
        Description = "A document to answer questions about, with --questions: attention is recorded while the right answers are decoded",
        HelpName = "FILE",
    };

    private readonly Option<string?> _questions = new("--questions")
    {
        Description = """Questions about the document: [{"question": "...", "expected": "..."}, ...]""",
        HelpName = "FILE.json",
    };

    private readonly Option<int?> _limit = CommonOptions.AtLeast(2, "--limit", "Most pieces of a text, and most questions [default: 16]");

    private readonly Option<int?> _steps = CommonOptions.AtLeast(
        2, "--steps", "Tokens decoded and recorded of each piece of text [default: 32]");

    private readonly Option<int?> _length = CommonOptions.AtLeast(
        256, "--length", "Tokens of a piece of text [default: 4096, or the context]");

    private readonly Option<int?> _budget = CommonOptions.AtLeast(128, "--budget", "Tokens read at each step [default: 512]");

    private readonly Option<SharingPlanner> _planner = CommonOptions.Choice(
        "--planner", "How the plan is made: by recovered attention mass, or by the HShare paper's greedy algorithm",
        ("mass", SharingPlanner.Mass), ("greedy", SharingPlanner.Greedy));

    private readonly Option<string?> _layers = Ratio("--layers", "Share of the layers that choose for themselves [default: 1/2]");

    private readonly Option<string?> _heads = Ratio("--heads", "Share of the KV heads that choose for themselves [default: 1]");

    private readonly Option<string?> _everySteps = Ratio("--refresh", "Share of the steps at which leaders choose anew [default: 1/4]");

    private readonly Option<int?> _dilate = CommonOptions.AtLeast(
        0, "--dilate", "Tokens read behind each chosen one [default: as many as a choice serves steps beyond its own]");

    private readonly Option<double?> _keep = CommonOptions.AtLeast(
        0.01, "--keep", "Look for the cheapest plan and retriever that keep this share of the attention mass, instead of taking ratios");

    private readonly Option<string?> _out = new("--out") { Description = "Write the plan to this file", HelpName = "PLAN.json" };

    private readonly Option<bool> _save = new("--save")
    {
        Description =
            $"Write what was learnt to {AttentionCalibration.FileName} in the model's folder, so that presets can make plans from it",
    };

    /// <summary>Declares the command.</summary>
    public CalibrateCommand(Terminal terminal)
        : base(
            terminal,
            "calibrate",
            "Learn from texts which layers and heads attend alike, and make a sharing plan of it.",
            "hshare calibrate --model DIR --text book.txt notes.txt --save",
            "hshare calibrate --document report.txt --questions questions.json --layers 1/2 --refresh 1/4 --out plan.json",
            "hshare calibrate --text book.txt --keep 0.98 --out plan.json")
    {
        foreach (Option option in (Option[])
            [_texts, _document,
                _questions, _limit, _steps, _length, _budget, _planner, _layers, _heads, _everySteps, _dilate, _keep, _out, _save])
            Add(option);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments) with { Backend = HShareBackend.Cpu }; // on f32, which a GPU does not keep
        RefuseMeaningless(arguments);
        SharingRatios ratios = ReadRatios(arguments);
        using LanguageModel model = await settings.LoadAsync(Terminal, cancellationToken);
        CalibrationText[] texts = ReadTexts(arguments, model);
        var budget = new TokenBudget(16, 64, arguments.GetValue(_budget) ?? AttentionPreset.DefaultBudget);
        var recording = new CalibrationRecording(model, budget, texts);
        (IReadOnlyList<AttentionTrace> traces, IReadOnlyList<int[]> channels) = await Terminal.WithProgressAsync(
            $"Reading {texts.Length} texts twice", progress =>
                Task.Run(() => recording.Run(progress, cancellationToken), cancellationToken));
        AttentionTrace[] judged = [.. traces.Where((_, i) => i % HeldOutEvery == HeldOutEvery - 1)];
        AttentionTrace[] learnt = [.. traces.Where((_, i) => i % HeldOutEvery != HeldOutEvery - 1)];
        string fingerprint = ModelFingerprint.Of(model.Directory);
        var calibration = AttentionCalibration.From(learnt, budget, fingerprint, model.Config.HeadDim, channels);
        calibration = calibration with { Recommended = AttentionCalibration.TryLoad(model.Directory, fingerprint)?.Recommended };

        CalibrationReport report = arguments.GetValue(_keep) is { } floor
            ? await SearchAsync(calibration, judged, budget, floor, cancellationToken)
            : Plan(arguments, ratios, calibration, judged, budget);
        if (arguments.GetValue(_out) is { } file)
            new SharingPlanFile(report.Plan with { Fingerprint = fingerprint }, report.Description).Save(file);
        if (arguments.GetValue(_save))
            calibration.Save(model.Directory);
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(report.ToJson());
        else
            report.Write(Terminal);
        return ExitCode.Ok;
    }

    private void RefuseMeaningless(ParseResult arguments)
    {
        Refuse("means nothing to calibrate, which records full attention on keys and values in f32", CommonOptions.Kv);
        Refuse("means nothing to calibrate: --length says how long its texts are", CommonOptions.Context);
        if (arguments.GetValue(CommonOptions.Backend) == HShareBackend.Cuda)
            throw new InputException("calibrate records on the CPU, in f32: leave --backend cuda out. Its plans serve every backend.");
        if (arguments.GetValue(_keep) > 1)
            throw new InputException($"--keep {arguments.GetValue(_keep)} is a share of the attention mass: at most 1.");
        if (IsGiven(_keep))
            Refuse("excludes --keep, which tries ratios, planners and dilations itself", _planner, _layers, _heads, _everySteps, _dilate);
        if (!IsGiven(_texts))
            Refuse("is about pieces of text: name files with --text", _length, _steps);

        bool IsGiven(Option option) => arguments.GetResult(option) is { Implicit: false };

        void Refuse(string why, params IEnumerable<Option> options)
        {
            if (options.FirstOrDefault(IsGiven) is { } option)
                throw new InputException($"{option.Name} {why}.");
        }
    }

    private CalibrationText[] ReadTexts(ParseResult arguments, LanguageModel model)
    {
        Tokenizer tokenizer = model.Tokenizer
            ?? throw new ModelLoadException(
                Path.Combine(model.Directory, "tokenizer.json"), "The calibration needs the model's tokenizer.");
        string[] files = arguments.GetValue(_texts) ?? [];
        string? document = arguments.GetValue(_document), questions = arguments.GetValue(_questions);
        if (document is null != questions is null)
            throw new InputException("--document and --questions go together: give both or neither.");

        int limit = arguments.GetValue(_limit) ?? 16;
        int length = Math.Min(arguments.GetValue(_length) ?? 4096, model.Config.ContextLength);
        IEnumerable<CalibrationText> texts = CalibrationText.FromFiles(files, tokenizer, length, limit, arguments.GetValue(_steps) ?? 32);
        if (document is not null)
        {
            texts = texts.Concat(CalibrationText.FromQuestions(
                document, questions!, limit, model.Config.ContextLength, tokenizer, ChatTemplate.Load(model.Directory), Terminal));
        }

        CalibrationText[] all = [.. texts];
        return all.Length >= HeldOutEvery
            ? all
            : throw new InputException(
                $"There are {all.Length} texts; at least {HeldOutEvery} are needed, of which one is kept to judge by. Give longer or more files with "
                + "--text, or a document with --questions.");
    }

    private SharingRatios ReadRatios(ParseResult arguments)
    {
        return new SharingRatios(Value(_layers, "1/2"), Value(_heads, "1"), Value(_everySteps, "1/4"));

        SharingRatio Value(Option<string?> option, string otherwise) => SharingRatio.Parse(arguments.GetValue(option) ?? otherwise);
    }

    private CalibrationReport Plan(
        ParseResult arguments, SharingRatios ratios, AttentionCalibration calibration, AttentionTrace[] judged, TokenBudget budget)
    {
        int? dilation = arguments.GetValue(_dilate);
        SharingPlan plan = arguments.GetValue(_planner) == SharingPlanner.Greedy
            ? GreedyPlanner.Plan(calibration, ratios, dilation)
            : MassPlanner.Plan(calibration, ratios, dilation);
        string planner = arguments.GetValue(_planner).ToString().ToLowerInvariant();
        return CalibrationReport.Of(plan, $"{ratios}, {planner}", judged, budget);
    }

    private async Task<CalibrationReport> SearchAsync(
        AttentionCalibration calibration, AttentionTrace[] judged, TokenBudget budget, double floor, CancellationToken cancellationToken)
    {
        PlanSearchResult result = await Terminal.WithProgressAsync("Trying plans", progress => Task.Run(
            () => PlanSearch.Run(
                calibration,
                judged,
                budget,
                floor,
                [Retriever.PageBounds, Retriever.LabelChannels, Retriever.Exact],
                CalibrationRecording.LabelShare,
                new SearchFraction(progress),
                cancellationToken),
            cancellationToken));
        return result.Cheapest is { } cheapest
            ? CalibrationReport.Of(
                cheapest.Plan, cheapest.ToString(), judged, budget) with
            { Candidates = result.Candidates, Floor = floor }
            : throw new InputException(
                $"No plan keeps {floor:P1} of the attention mass; the best of {result.Candidates.Count} keeps "
                + $"{result.Candidates.Max(candidate => candidate.Kept):P1}. Lower --keep or raise --budget.");
    }

    private static Option<string?> Ratio(string name, string description) => new(name) { Description = description, HelpName = "A/B" };

    private sealed class SearchFraction(IProgress<double> progress) : IProgress<PlanSearchProgress>
    {
        public void Report(PlanSearchProgress value) => progress.Report((double)value.Tried / value.Candidates);
    }
}
