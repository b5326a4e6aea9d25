using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace HShare.Cli.CommandLine;

/// <summary>The usual help, and below it the command's examples.</summary>
internal sealed class ExamplesHelpAction : SynchronousCommandLineAction
{
    private readonly HelpAction _help;

    private ExamplesHelpAction(HelpAction help) => _help = help;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Gives a root command this help, also where no subcommand is named.</summary>
    public static void AddTo(RootCommand root)
    {
        HelpOption option = root.Options.OfType<HelpOption>().Single();
        var action = new ExamplesHelpAction((HelpAction)option.Action!);
        option.Action = action;
        root.SetAction(action.Invoke);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int code = _help.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is ToolCommand { Examples.Count: > 0 } command)
        {
            output.WriteLine("Examples:");
            foreach (string example in command.Examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
        }

        return code;
    }
}
