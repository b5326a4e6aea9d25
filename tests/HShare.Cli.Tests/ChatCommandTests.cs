using System.Text.Json.Nodes;

namespace HShare.Cli.Tests;

public sealed class ChatCommandTests
{
    [Fact]
    public async Task The_conversation_is_kept_until_it_is_reset()
    {
        ToolRun run = await ToolRun.WithInputAsync("Hello!\n\nWho are you?\n/reset\nHello!\n/exit\nHello!\n", "chat", "--json");

        Assert.Equal(0, run.ExitCode);
        JsonNode[] answers = [.. run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(3, answers.Length);
        int[] prompts = [.. answers.Select(answer => (int)answer["prompt_tokens"]!)];
        Assert.True(prompts[1] > prompts[0], "The second prompt holds the first turn too.");
        Assert.Equal(prompts[0], prompts[2]);
        Assert.Equal((string?)answers[0]["answer"], (string?)answers[2]["answer"]);
    }

    [Fact]
    public async Task Remarks_are_kept_off_stdout()
    {
        ToolRun run = await ToolRun.WithInputAsync("/help\n/dance\n", "chat");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.Contains("/reset", run.Error);
        Assert.Contains("There is no /dance", run.Error);
    }

    [Fact]
    public async Task A_turn_over_the_context_is_taken_back_and_the_chat_goes_on()
    {
        string question = string.Concat(Enumerable.Repeat("and the sea ", 40));

        ToolRun run = await ToolRun.WithInputAsync($"{question}\nHello!\n", "chat", "--context", "64", "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("prompt has", run.Error);
        Assert.Equal(10, (int)run.Json["prompt_tokens"]!);
    }
}
