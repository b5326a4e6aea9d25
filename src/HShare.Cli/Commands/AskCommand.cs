using System.CommandLine;
using HShare.AI;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.CommandLine;
using HShare.Cli.Conversation;
using HShare.Cli.Output;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Commands;

/// <summary><c>hshare ask</c>: questions about a document.</summary>
internal sealed class AskCommand : ToolCommand
{
    private const int ShownPassages = 3;

    private readonly Option<string> _document = new("--document", "-d")
    {
        Description = "The document, a text file; - reads it from stdin",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<string[]> _questions = new("--question", "-q")
    {
        Description = "The question; repeat the option to ask several, of which the later ones find the document in the prefix cache",
        HelpName = "TEXT",
        Required = true,
    };

    private readonly Option<bool> _explain = new("--explain")
    {
        Description = "Also show the passages of the document that the answer attended to most, with their place",
    };

    /// <summary>Declares the command.</summary>
    public AskCommand(Terminal terminal)
        : base(
            terminal,
            "ask",
            "Ask questions about a document and stream the answers.",
            "hshare ask --document report.txt --question \"Who founded the Harbour Trust?\"",
            "hshare ask -d report.txt -q \"Who is the owner?\" -q \"What did it cost?\"",
            "hshare ask -d report.txt -q \"What did it cost?\" --attention full --explain",
            "cat report.txt | hshare ask -d - -q \"What was decided?\" --model ~/models/Qwen3-0.6B --json")
    {
        Add(_document);
        Add(_questions);
        Add(AttentionOptions.Preset);
        Add(_explain);
        this.AddAnswerOptions();
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        string[] questions = arguments.GetRequiredValue(_questions);
        ChatMessage document = Document.Read(arguments.GetRequiredValue(_document), Terminal);
        bool json = arguments.GetValue(CommonOptions.Json);
        bool explain = arguments.GetValue(_explain);
        var options = new EngineOptions
        {
            MaxBatch = 1,
            Attention = AttentionOptions.ReadPreset(arguments, settings),
            TracksReads = explain,
        };
        await using InferenceEngine engine = await settings.StartEngineAsync(Terminal, options, cancellationToken);
        using var client = new HShareChatClient(engine);
        var asking = new Asking(client, AnswerOptions.Read(arguments), Terminal, writesText: !json, tracksReads: explain);
        List<AnswerReport> reports = [];
        foreach (string question in questions)
        {
            AnswerReport report = await asking.AskAsync([document, new ChatMessage(ChatRole.User, question)], cancellationToken);
            if (report.Reads is { } reads)
                report = report with
                {
                    Passages = ReadPassage.Most(reads, Document.TextOf(document), engine.Model.Tokenizer!, ShownPassages),
                };
            reports.Add(report);
            if (!json)
                AnswerTable.Write(Terminal, reports[^1]);
        }

        if (json)
            Terminal.WriteJson(reports.Count == 1 ? reports[0] : reports);
        return ExitCode.Ok;
    }
}
