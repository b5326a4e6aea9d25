using System.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.CommandLine;

/// <summary>A command of the tool: it has the common options, and examples in its help.</summary>
internal abstract class ToolCommand : Command
{
    /// <summary>Declares the command.</summary>
    /// <param name="terminal">Where it reads and writes.</param>
    /// <param name="name">How it is called.</param>
    /// <param name="description">What it does, for the help.</param>
    /// <param name="examples">Command lines, for the help.</param>
    protected ToolCommand(Terminal terminal, string name, string description, params IReadOnlyList<string> examples)
        : base(name, description)
    {
        Terminal = terminal;
        Examples = examples;
        SetAction(RunAsync);
    }

    /// <summary>Command lines to try.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>Where the command reads and writes.</summary>
    protected Terminal Terminal { get; }

    /// <summary>Does the work.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    protected abstract Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken);
}

/// <summary>Names of commands.</summary>
internal static class CommandNames
{
    /// <summary>How a command is called, the tool's name included.</summary>
    public static string CommandLine(this Command command) => command is RootCommand
        ? "hshare"
        : $"{command.Parents.OfType<Command>().First().CommandLine()} {command.Name}";
}
