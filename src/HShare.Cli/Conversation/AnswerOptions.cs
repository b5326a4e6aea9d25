using System.CommandLine;
using HShare.Cli.CommandLine;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Conversation;

/// <summary>Options on how an answer is made.</summary>
internal static class AnswerOptions
{
    private static readonly Option<float?> Temperature = CommonOptions.AtLeast(
        0f, "--temperature", "0 = always the most probable token [default: the model's own]");

    private static readonly Option<long?> Seed = CommonOptions.AtLeast(0L, "--seed", "Makes a sampled answer repeatable");

    /// <summary>Adds the options to a command.</summary>
    public static void AddAnswerOptions(this Command command)
    {
        command.Add(CommonOptions.MaxOutput);
        command.Add(Temperature);
        command.Add(Seed);
    }

    /// <summary>Reads them.</summary>
    public static ChatOptions Read(ParseResult arguments) => new()
    {
        MaxOutputTokens = arguments.GetValue(CommonOptions.MaxOutput),
        Temperature = arguments.GetValue(Temperature),
        Seed = arguments.GetValue(Seed),
    };
}
