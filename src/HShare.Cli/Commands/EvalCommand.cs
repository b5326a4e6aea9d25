using System.CommandLine;
using System.Globalization;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Tokenization;
using HShare.Cli.CommandLine;
using HShare.Cli.Evaluation;
using HShare.Cli.Evaluation.Tasks;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare eval</c>: how many questions with a known answer the model gets right, under one or more attention presets.</summary>
internal sealed class EvalCommand : ToolCommand
{
    private const int DefaultMaxOutput = 128;

    private readonly Option<string[]> _cases = new("--cases")
    {
        Description = """Files of cases, one JSON object a line: {"messages": [...], "tools"?: [...], "expected": "...", "accepted"?: ["span", """
            + """...], "meta"?: {...}}""",
        HelpName = "FILE.jsonl",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _task = new("--task")
    {
        Description = "A benchmark instead of cases: " + string.Join(", ", TaskSource.Names),
        HelpName = "NAME",
    };

    private readonly Option<string?> _data = new("--data") { Description = "The benchmark's file or folder", HelpName = "PATH" };

    private readonly Option<int?> _shots = CommonOptions.AtLeast(0, "--shots", "Solved examples before each question [default: 0]");

    private readonly Option<int[]?> _lengths = Numbers<int>("--lengths", "Lengths in tokens of the cases that a task makes or cuts");

    private readonly Option<double[]?> _depths = Numbers<double>("--depths", "Depths at which a task hides its facts, 0 to 1");

    private readonly Option<int?> _samples = CommonOptions.AtLeast(1, "--samples", "Cases that a task makes for each length and depth");

    private readonly Option<string[]> _perplexity = new("--perplexity")
    {
        Description = "Also measure perplexity on these texts: dense prefill, decode under each preset",
        HelpName = "FILE.txt",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int?> _limit = CommonOptions.AtLeast(1, "--limit", "Most cases to take from each file [default: all]");

    private readonly Option<int?> _batch = CommonOptions.AtLeast(1, "--batch", "Cases to answer side by side [default: 8]");

    private readonly Option<int?> _mass = CommonOptions.AtLeast(
        0,
        "--mass",
        "Cases on which to measure, on the CPU, how much of full attention's mass is read [default: 4; 0 for one preset, or on a GPU]");

    private readonly Option<string?> _answers = new("--answers")
    {
        Description = "Also write every answer to this file, one JSON object a line",
        HelpName = "FILE.jsonl",
    };

    private readonly Option<string?> _plots = new("--plots")
    {
        Description = "Also draw the results into this folder, as SVG",
        HelpName = "DIR",
    };

    /// <summary>Declares the command.</summary>
    public EvalCommand(Terminal terminal)
        : base(
            terminal,
            "eval",
            "Answer questions with known answers and count how many are right, under one or more ways to attend.",
            "hshare eval --cases needle_dev.jsonl",
            "hshare eval --cases needle_dev.jsonl --attention full --attention quest --attention hshare:1/2-1-1/4 --plots plots",
            "hshare eval --cases needle_dev.jsonl --attention all --limit 20 --json",
            "hshare eval --task gsm8k --data gsm8k/test.jsonl --shots 4 --limit 100 --model DIR")
    {
        foreach (Option option in (Option[])
            [_cases, _task, _data, _shots, _lengths, _depths, _samples, _perplexity, AttentionOptions.Presets, _limit,
             CommonOptions.MaxOutput, _batch, _mass, _answers, _plots])
            Add(option);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        IReadOnlyList<AttentionPreset> presets = AttentionOptions.ReadPresets(arguments, settings);
        string[] texts = arguments.GetValue(_perplexity) ?? [];
        EvalQuestion[] questions = [.. ReadQuestions(arguments, settings)];
        if (questions.Length == 0 && texts.Length == 0)
            throw new InputException("There is nothing to evaluate: give --cases, --task or --perplexity.");

        string? plots = arguments.GetValue(_plots);
        var run = new EvalRun(
            questions,
            texts,
            presets,
            arguments.GetValue(_batch) ?? 8,
            arguments.GetValue(CommonOptions.MaxOutput) ?? DefaultMaxOutput,
            arguments.GetValue(_mass),
            TracksReads: plots is not null);
        IReadOnlyList<PresetOutcome> outcomes = await run.RunAsync(settings, Terminal, cancellationToken);

        if (arguments.GetValue(_answers) is { } file)
            WriteAnswers(file, outcomes);
        if (plots is not null)
            EvalPlots.Write(plots, outcomes);
        EvalReport[] reports = [.. outcomes.Select(outcome => outcome.Report)];
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(reports);
        else
            EvalTables.Write(Terminal, reports);
        return ExitCode.Ok;
    }

    private IEnumerable<EvalQuestion> ReadQuestions(ParseResult arguments, ModelSettings settings)
    {
        string[] files = arguments.GetValue(_cases) ?? [];
        int? limit = arguments.GetValue(_limit);
        foreach (EvalCase item in files.SelectMany(file => EvalCase.ReadAll(file, limit)))
            yield return EvalQuestion.Of(item);

        if (arguments.GetValue(_task) is not { } task)
        {
            foreach (Option option in (Option[])[_data, _shots, _lengths, _depths, _samples])
            {
                if (arguments.GetResult(option) is { Implicit: false })
                    throw new InputException($"{option.Name} is for a benchmark: name one with --task.");
            }

            yield break;
        }

        string path = Path.Combine(settings.Directory, "tokenizer.json");
        Tokenizer tokenizer = File.Exists(
            path) ? Tokenizer.Load(path) : throw new ModelLoadException(path, "A task needs the model's tokenizer.");
        var taskSettings = new TaskSettings
        {
            Encode = tokenizer.Encode,
            Decode = ids => tokenizer.Decode(ids),
            Data = arguments.GetValue(_data),
            Shots = arguments.GetValue(_shots) ?? 0,
            Lengths = arguments.GetValue(_lengths) is { Length: > 0 } lengths ? lengths : null,
            Depths = arguments.GetValue(_depths) is { Length: > 0 } depths ? depths : null,
            Samples = arguments.GetValue(_samples),
            Limit = limit,
        };
        foreach (TaskCase item in TaskSource.Create(task, taskSettings))
            yield return EvalQuestion.Of(item);
    }

    private static void WriteAnswers(string file, IReadOnlyList<PresetOutcome> outcomes)
    {
        using StreamWriter writer = File.CreateText(file);
        foreach (PresetOutcome outcome in outcomes)
        {
            foreach (EvalResult result in outcome.Results)
            {
                writer.WriteJsonLine(new
                {
                    outcome.Report.Preset,
                    Place = result.Question.Place,
                    result.Correct,
                    result.Score,
                    result.Answer,
                    result.Question.Expected,
                    Reference = result.Question.Meta?.Reference?.Answer,
                    result.PromptTokens,
                    result.OutputTokens,
                    KvBytesReadRatio = result.Reads.Ratio,
                });
            }
        }
    }

    private static Option<T[]?> Numbers<T>(string name, string description)
        where T : struct, IParsable<T> => new(name)
        {
            Description = description + ", separated by commas",
            HelpName = "N,N",
            CustomParser = argument =>
            {
                string given = argument.Tokens[0].Value;
                List<T> values = [];
                foreach (string part in given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                {
                    if (T.TryParse(part, CultureInfo.InvariantCulture, out T value))
                        values.Add(value);
                    else
                        argument.AddError($"{name}: '{part}' is not a number.");
                }

                return [.. values];
            },
        };
}
