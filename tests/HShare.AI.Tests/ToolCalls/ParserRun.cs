using System.Text.Json;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.ToolCalls;

/// <summary>Runs a parser over an answer cut in many ways, and writes what comes out as lines.</summary>
internal static class ParserRun
{
    private static readonly HashSet<string> Functions = ["tide", "wind"];

    /// <summary>Asserts that an answer comes out as the lines expected, however it is cut.</summary>
    public static void AssertReads(ToolCallFormat format, string answer, params string[] expected)
    {
        Assert.Equal(expected, Lines(Run(format, [answer])));
        Assert.Equal(expected, Lines(Run(format, answer.Select(c => c.ToString()))));
        for (int seed = 0; seed < 60; seed++)
            Assert.Equal(expected, Lines(Run(format, Cut(answer, new Random(seed)))));
    }

    /// <summary>Contents in the order in which they come.</summary>
    public static List<AIContent> Run(ToolCallFormat format, IEnumerable<string> pieces)
    {
        var parser = ToolCallParser.Create(format, new CallIds(), Functions);
        List<AIContent> contents = [];
        foreach (string piece in pieces)
            contents.AddRange(parser.Append(piece));
        contents.AddRange(parser.Flush());
        return contents;
    }

    /// <summary>Cuts a text into pieces of 0 to 6 characters.</summary>
    public static IEnumerable<string> Cut(string text, Random random)
    {
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = Math.Min(random.Next(7), text.Length - at);
            yield return text.Substring(at, length);
        }
    }

    /// <summary>A line for each call, and one for each text between calls.</summary>
    public static List<string> Lines(IEnumerable<AIContent> contents)
    {
        List<string> lines = [];
        bool behindText = false;
        foreach (AIContent content in contents)
        {
            if (content is TextContent text)
            {
                Assert.NotEqual("", text.Text);
                if (behindText)
                    lines[^1] += text.Text;
                else
                    lines.Add("text: " + text.Text);
                behindText = true;
                continue;
            }

            var call = Assert.IsType<FunctionCallContent>(content);
            behindText = false;
            lines.Add(call.Exception is null
                ? $"call: {call.Name} {JsonSerializer.Serialize(call.Arguments)}"
                : $"broken: {call.Name} {call.RawRepresentation}");
        }

        return lines;
    }
}
