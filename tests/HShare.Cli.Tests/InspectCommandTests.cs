using System.Text.Json.Nodes;

namespace HShare.Cli.Tests;

public sealed class InspectCommandTests
{
    [Fact]
    public async Task The_bundled_model_is_the_default()
    {
        ToolRun run = await ToolRun.WithAsync("inspect", "--json");

        Assert.Equal(0, run.ExitCode);
        JsonNode json = run.Json;
        Assert.Equal("hshare-tiny", (string?)json["name"]);
        Assert.Equal("LlamaForCausalLM", (string?)json["architecture"]);
        Assert.Equal(22_029_696, (long)json["parameters"]!);
        Assert.Equal(8192, (int)json["context_length"]!);
        Assert.Equal(12_288, (long)json["kv_bytes_per_token"]!["f32"]!);
        Assert.Equal(6_144, (long)json["kv_bytes_per_token"]!["bf16"]!);
        Assert.Equal([8187, 8185], json["end_of_sequence_ids"]!.AsArray().Select(id => (int)id!));
    }

    [Fact]
    public async Task The_folder_is_an_argument_or_an_option()
    {
        ToolRun argument = await ToolRun.WithAsync("inspect", TestFiles.TinyModel);
        ToolRun option = await ToolRun.WithAsync("inspect", "--model", TestFiles.TinyModel);

        Assert.Equal(0, argument.ExitCode);
        Assert.Contains("22,029,696", argument.Out);
        Assert.Equal(argument.Out, option.Out);
    }
}
