using System.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare plan</c>: what is done with files of sharing plans; its subcommands do it.</summary>
internal sealed class PlanCommand : Command
{
    /// <summary>Declares the command.</summary>
    public PlanCommand(Terminal terminal)
        : base("plan", "Work with files of sharing plans: which KV heads choose the tokens that are read, and which borrow the choice.")
    {
        Add(new PlanShowCommand(terminal));
    }
}
