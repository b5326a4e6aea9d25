using System.CommandLine;
using HShare.AI;
using HShare.AI.Engine;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.CommandLine;
using HShare.Cli.Conversation;
using HShare.Cli.Output;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Commands;

/// <summary><c>hshare chat</c>: a conversation that keeps its history.</summary>
internal sealed class ChatCommand : ToolCommand
{
    private const string Help = """
        /help    this text
        /reset   forget the conversation (a document stays)
        /exit    leave; so does the end of the input
        Ctrl-C   end the answer in progress, not the program
        """;

    private readonly Option<string?> _document = new("--document", "-d")
    {
        Description = "A document to talk about, a text file",
        HelpName = "FILE",
    };

    private readonly Option<string?> _system = new("--system")
    {
        Description = "A system message to start with",
        HelpName = "TEXT",
    };

    private readonly Interrupt _interrupt;

    /// <summary>Declares the command.</summary>
    public ChatCommand(Terminal terminal, Interrupt interrupt)
        : base(
            terminal,
            "chat",
            "Talk with the model. Each line is a turn; the conversation is kept. /help lists what else can be typed.",
            "hshare chat",
            "hshare chat --document report.txt",
            "hshare chat --model ~/models/Qwen3-0.6B --system \"Answer in one sentence.\" --temperature 0.7")
    {
        _interrupt = interrupt;
        Add(_document);
        Add(_system);
        Add(AttentionOptions.Preset);
        this.AddAnswerOptions();
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        bool json = arguments.GetValue(CommonOptions.Json);
        List<ChatMessage> opening = [];
        if (arguments.GetValue(_system) is { } system)
            opening.Add(new ChatMessage(ChatRole.System, system));
        if (arguments.GetValue(_document) is { } file)
            opening.Add(Document.Read(file, Terminal));

        var options = new EngineOptions { MaxBatch = 1, Attention = AttentionOptions.ReadPreset(arguments, settings) };
        await using InferenceEngine engine = await settings.StartEngineAsync(Terminal, options, cancellationToken);
        using var client = new HShareChatClient(engine);
        var asking = new Asking(client, AnswerOptions.Read(arguments), Terminal, writesText: !json);
        List<ChatMessage> history = [.. opening];
        Say($"{engine.Model.Name} on {engine.Model.Backend.Description}. /help for help, /exit to leave.");
        while (ReadLine() is { } line)
        {
            switch (line.Trim())
            {
                case "":
                    break;
                case "/exit":
                    return ExitCode.Ok;
                case "/help":
                    Say(Help);
                    break;
                case "/reset":
                    history = [.. opening];
                    Say("The conversation is forgotten.");
                    break;
                case ['/', ..] command:
                    Say($"There is no {command}. /help lists what there is.");
                    break;
                case var question:
                    await TakeTurnAsync(asking, history, question, json);
                    break;
            }
        }

        return ExitCode.Ok;
    }

    /// <summary>Asks a question; where that fails, or is ended by Ctrl-C, the question is taken back.</summary>
    private async Task TakeTurnAsync(Asking asking, List<ChatMessage> history, string question, bool json)
    {
        history.Add(new ChatMessage(ChatRole.User, question));
        try
        {
            AnswerReport report = await asking.AskAsync(history, _interrupt.StartWork());
            history.Add(new ChatMessage(ChatRole.Assistant, report.Answer));
            if (json)
                Terminal.Out.WriteJsonLine(report);
            else
                Say($"({report.PromptTokens} prompt tokens, {report.CachedTokens} of them cached, {report.OutputTokens} answer tokens)");
        }
        catch (OperationCanceledException)
        {
            history.RemoveAt(history.Count - 1);
            Say("\n(ended; the question is taken back)");
        }
        catch (HShareException error)
        {
            history.RemoveAt(history.Count - 1);
            Say($"{error.Message} /reset starts a new conversation.");
        }
    }

    private string? ReadLine()
    {
        _interrupt.Rest();
        if (Terminal.ReadsFromScreen)
            Terminal.Error.Write("> ");
        return Terminal.In.ReadLine();
    }

    /// <summary>Remarks go to stderr: stdout has the answers alone.</summary>
    private void Say(string text) => Terminal.Error.WriteLine(text);
}
