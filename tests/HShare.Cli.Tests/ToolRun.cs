using System.Text.Json.Nodes;
using HShare.Cli.Output;

namespace HShare.Cli.Tests;

/// <summary>The tool run in this process, with its output caught.</summary>
internal sealed record ToolRun(int ExitCode, string Out, string Error)
{
    /// <summary>Its stdout as JSON.</summary>
    public JsonNode Json => JsonNode.Parse(Out) ?? throw new InvalidOperationException($"No JSON on stdout: '{Out}'.");

    /// <summary>Runs it on the CPU, whose tokens the tests know, also where there is a GPU, unless the arguments say otherwise.</summary>
    public static Task<ToolRun> WithAsync(params string[] args) => WithInputAsync("", args);

    /// <summary>The same with something on stdin.</summary>
    public static async Task<ToolRun> WithInputAsync(string input, params string[] args)
    {
        using StringWriter output = new(), error = new();
        bool choosesBackend = args is ["ask" or "chat" or "eval" or "verify", ..] && !args.Any(arg => arg is "--backend" or "--help");
        string[] all = choosesBackend ? [.. args, "--backend", "cpu"] : args;
        int code = await HShareTool.RunAsync(all, Terminal.Of(new StringReader(input), output, error));
        return new ToolRun(code, output.ToString(), error.ToString());
    }
}
