using System.CommandLine;
using HShare.AI.Engine;
using HShare.Cli.CommandLine;
using HShare.Cli.Commands;
using HShare.Cli.Output;
using Microsoft.Extensions.Options;

namespace HShare.Cli;

/// <summary>The <c>hshare</c> tool: from arguments to an exit code.</summary>
internal static class HShareTool
{
    /// <summary>Parses the arguments and runs the command they name.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        using var interrupt = new Interrupt();
        ParseResult parse = CreateRootCommand(terminal, interrupt).Parse(args);
        if (parse.Errors.Count > 0)
        {
            terminal.Error.WriteLine($"hshare: {OneLine(parse.Errors[0].Message)} See {parse.CommandResult.Command.CommandLine()} --help.");
            return ExitCode.BadInput;
        }

        var configuration = new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null, // Interrupt handles Ctrl-C
        };
        try
        {
            return await parse.InvokeAsync(configuration, interrupt.Token);
        }
        catch (OperationCanceledException)
        {
            terminal.Error.WriteLine("hshare: cancelled.");
            return ExitCode.Cancelled;
        }
        catch (Exception error)
        {
            bool inputIsBad = IsAboutInput(error);
            bool verbose = parse.GetValue(CommonOptions.Verbose);
            string hint = inputIsBad || verbose ? "" : " (this is a fault of hshare itself; --verbose shows where)";
            terminal.Error.WriteLine($"hshare: {OneLine(error.Message)}{hint}");
            if (verbose)
                terminal.Error.WriteLine(error);
            return inputIsBad ? ExitCode.BadInput : ExitCode.Fault;
        }
    }

    private static RootCommand CreateRootCommand(Terminal terminal, Interrupt interrupt)
    {
        var root = new RootCommand("Ask a language model on this machine about long documents; measure how well and how fast it answers.")
        {
            new AskCommand(terminal),
            new ChatCommand(terminal, interrupt),
            new InspectCommand(terminal),
            new VerifyCommand(terminal),
            new EvalCommand(terminal),
            new CalibrateCommand(terminal),
            new BenchCommand(terminal),
            new DoctorCommand(terminal),
            new PlanCommand(terminal),
            CommonOptions.Verbose,
        };
        ExamplesHelpAction.AddTo(root);
        return root;
    }

    private static bool IsAboutInput(Exception error) => error is HShareException or IOException or UnauthorizedAccessException
        or ArgumentException or InsufficientMemoryException or NotSupportedException or OptionsValidationException;

    private static string OneLine(string message) =>
        string.Join(' ', message.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries));
}
