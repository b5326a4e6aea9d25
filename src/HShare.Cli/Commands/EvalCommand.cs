using System.CommandLine;
using System.Diagnostics;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.CommandLine;
using HShare.Cli.Evaluation;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare eval</c>: how many questions with a known answer the model gets right.</summary>
internal sealed class EvalCommand : ToolCommand
{
    private const int DefaultMaxOutput = 128;

    private readonly Option<string[]> _cases = new("--cases")
    {
        Description = """Files of cases, one JSON object a line: {"messages": [...], "tools"?: [...], "expected": "...", "meta"?: {...}}""",
        HelpName = "FILE.jsonl",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int?> _limit = CommonOptions.AtLeast(1, "--limit", "Most cases to take from each file [default: all]");

    private readonly Option<int?> _batch = CommonOptions.AtLeast(1, "--batch", "Cases to answer side by side [default: 8]");

    private readonly Option<string?> _answers = new("--answers")
    {
        Description = "Also write every answer to this file, one JSON object a line",
        HelpName = "FILE.jsonl",
    };

    /// <summary>Declares the command.</summary>
    public EvalCommand(Terminal terminal)
        : base(
            terminal,
            "eval",
            "Answer questions with known answers and count how many are right, by family, length and depth.",
            "hshare eval --cases needle_dev.jsonl",
            "hshare eval --cases needle_dev.jsonl absent_dev.jsonl --limit 20 --json",
            "hshare eval --cases needle_dev.jsonl --weights int8 --answers answers.jsonl")
    {
        Add(_cases);
        Add(_limit);
        Add(CommonOptions.MaxOutput);
        Add(_batch);
        Add(_answers);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        EvalCase[] cases = [.. arguments.GetRequiredValue(_cases).SelectMany(file => EvalCase.ReadAll(file, arguments.GetValue(_limit)))];
        var options = new EngineOptions { MaxBatch = arguments.GetValue(_batch) ?? 8, PrefixSharing = PrefixSharing.Off };
        await using InferenceEngine engine = await settings.StartEngineAsync(Terminal, options, cancellationToken);
        var evaluator = new Evaluator(engine, arguments.GetValue(CommonOptions.MaxOutput) ?? DefaultMaxOutput);

        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<EvalResult> results = await Terminal.WithProgressAsync(
            $"Answering {cases.Length} cases", progress => evaluator.RunAsync(cases, progress, cancellationToken));
        var report = new EvalReport(results)
        {
            Model = engine.Model.Name,
            Backend = engine.Model.Backend.Description,
            Weights = Formats.Name(settings.Weights),
            Kv = Formats.Name(settings.Kv),
            Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds,
        };

        if (arguments.GetValue(_answers) is { } file)
            WriteAnswers(file, results);
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(report);
        else
            EvalTables.Write(Terminal, report);
        return ExitCode.Ok;
    }

    private static void WriteAnswers(string file, IReadOnlyList<EvalResult> results)
    {
        using StreamWriter writer = File.CreateText(file);
        foreach (EvalResult result in results)
        {
            writer.WriteJsonLine(new
            {
                result.Case.File,
                result.Case.Line,
                result.Correct,
                result.Answer,
                result.Case.Expected,
                Reference = result.Case.Meta?.Reference?.Answer,
                result.PromptTokens,
                result.OutputTokens,
            });
        }
    }
}
