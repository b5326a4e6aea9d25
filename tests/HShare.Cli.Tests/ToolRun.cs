using System.Text.Json.Nodes;
using HShare.Cli.Output;

namespace HShare.Cli.Tests;

/// <summary>The tool run in this process, with its output caught.</summary>
internal sealed record ToolRun(int ExitCode, string Out, string Error)
{
    /// <summary>Its stdout as JSON.</summary>
    public JsonNode Json => JsonNode.Parse(Out) ?? throw new InvalidOperationException($"No JSON on stdout: '{Out}'.");

    public static Task<ToolRun> WithAsync(params string[] args) => WithInputAsync("", args);

    public static async Task<ToolRun> WithInputAsync(string input, params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = await HShareTool.RunAsync(args, Terminal.Of(new StringReader(input), output, error));
        return new ToolRun(code, output.ToString(), error.ToString());
    }
}
