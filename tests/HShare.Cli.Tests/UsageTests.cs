namespace HShare.Cli.Tests;

public sealed class UsageTests
{
    [Theory]
    [InlineData("sing", "sing")]
    [InlineData("ask", "--document")]
    [InlineData("ask --document x.txt", "--question")]
    [InlineData("ask --document x.txt --question Q --tempo 3", "--tempo")]
    [InlineData("ask --document no-such-file.txt --question Q", "no-such-file.txt")]
    [InlineData("ask --document x.txt --question Q --temperature hot", "--temperature 'hot'")]
    [InlineData("chat --document no-such-file.txt", "no-such-file.txt")]
    [InlineData("inspect no-such-folder", "no-such-folder")]
    [InlineData("inspect one --model two", "twice")]
    [InlineData("verify --tolerance -1", "--tolerance '-1'")]
    [InlineData("verify --backend abacus", "--backend 'abacus' is not one of auto|cpu|cuda")]
    [InlineData("verify --weights int3", "--weights 'int3'")]
    [InlineData("verify --kv-type f8", "'f8'")]
    [InlineData("verify --threads 0", "--threads '0'")]
    [InlineData("verify --backend cuda --threads 2", "--threads are of the CPU backend")]
    [InlineData("verify --threads many", "--threads 'many'")]
    [InlineData("verify --golden no-such-file.json", "no-such-file.json")]
    [InlineData("eval", "--cases")]
    [InlineData("eval --cases no-such-file.jsonl", "no-such-file.jsonl")]
    [InlineData("eval --cases x.jsonl --limit 0", "--limit '0'")]
    [InlineData("eval --lengths 256", "--lengths is for a benchmark")]
    [InlineData("eval --task sudoku", "There is no task sudoku")]
    [InlineData("eval --task ruler_niah_single --shots 2", "--shots means nothing to the task")]
    [InlineData("eval --task ruler_niah_single --lengths 256,long", "'long' is not a number")]
    [InlineData("eval --cases x.jsonl --attention squint", "'squint'")]
    [InlineData("calibrate", "at least 4 are needed")]
    [InlineData("calibrate --document x.txt", "--questions")]
    [InlineData("calibrate --text no-such-file.txt", "no-such-file.txt")]
    [InlineData("calibrate --text x.txt --keep 0.9 --layers 1/2", "--layers excludes --keep")]
    [InlineData("calibrate --text x.txt --layers half", "half")]
    [InlineData("calibrate --document x.txt --questions y.json --length 512", "--length is about pieces of text")]
    [InlineData("calibrate --text x.txt --keep 2", "--keep 2 is a share")]
    [InlineData("calibrate --text x.txt --kv f16", "--kv means nothing")]
    [InlineData("calibrate --text x.txt --backend cuda", "calibrate records on the CPU")]
    [InlineData("calibrate --text x.txt --context 512", "--length says how long")]
    [InlineData("plan", "hshare plan --help")]
    [InlineData("plan show", "hshare plan show --help")]
    [InlineData("plan show no-such-plan.json", "no-such-plan.json")]
    [InlineData("bench gpu", "gpu")]
    [InlineData("bench constraints --contexts 512", "--contexts means nothing to bench constraints")]
    [InlineData("bench constraints --shape llama-1b", "--shape means nothing to bench constraints")]
    [InlineData("bench cpu --shape cube", "cube")]
    [InlineData("bench cpu --shape hshare-tiny --model x", "exclude each other")]
    [InlineData("bench cpu --batch 2", "--batch belongs to bench attention")]
    [InlineData("bench cpu --backend cuda", "bench cpu measures the CPU")]
    [InlineData("bench cpu --heads 32/8", "--heads is about a GPU")]
    [InlineData("bench attention --batch 1,2", "--batch takes several numbers only on a GPU")]
    [InlineData("bench attention --batch none", "--batch 'none'")]
    [InlineData("bench attention --backend cuda --shape llama2-7b", "--shape means nothing")]
    [InlineData("bench attention --backend cuda --heads 32", "--heads '32'")]
    [InlineData("bench attention --backend cuda --rows 64", "--rows belongs to bench prefill")]
    [InlineData("bench decode --shape llama2-7b", "give --backend cuda")]
    [InlineData("bench decode --backend cuda", "needs --shape")]
    [InlineData("bench decode --backend cuda --model x", "give --shape")]
    [InlineData("bench decode --backend cuda --shape llama2-7b --context 512", "takes --contexts")]
    [InlineData("bench prefill --backend cuda --shape llama2-7b --attention full", "--attention means nothing to bench prefill")]
    [InlineData("bench prefill --backend cuda --shape llama2-7b --tokens many", "--tokens 'many'")]
    [InlineData("doctor --backend abacus", "'abacus'")]
    [InlineData("bench attention --weights int8", "--weights means nothing to bench attention")]
    [InlineData("bench attention --context 512", "--context belongs to bench cpu")]
    [InlineData("bench attention --contexts 512,few", "--contexts '512,few'")]
    [InlineData("bench attention --shape hshare-tiny --attention all", "there is no method 'all'")]
    [InlineData("bench attention --shape hshare-tiny --attention double-sparse", "attention.json")]
    [InlineData("bench attention --shape hshare-tiny --contexts 3 --attention hshare:1-1-1/4", "shorter than the 4 steps")]
    public async Task Bad_usage_is_one_line_on_stderr_and_exit_code_2(string arguments, string named)
    {
        ToolRun run = await ToolRun.WithAsync(arguments.Split(' '));

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("hshare: ", run.Error);
        Assert.Contains(named, run.Error);
    }

    [Fact]
    public async Task Verbose_adds_the_stack_trace()
    {
        ToolRun run = await ToolRun.WithAsync("inspect", "no-such-folder", "--verbose");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("ModelLoadException", run.Error);
        Assert.Contains("   at ", run.Error);
    }

    [Theory]
    [InlineData("ask")]
    [InlineData("chat")]
    [InlineData("inspect")]
    [InlineData("verify")]
    [InlineData("eval")]
    [InlineData("bench")]
    [InlineData("calibrate")]
    public async Task Help_lists_the_common_options_and_examples(string command)
    {
        ToolRun run = await ToolRun.WithAsync(command, "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        string[] common = ["--model", "--backend", "--threads", "--weights", "--kv", "--context", "--json"];
        Assert.All(common, option => Assert.Contains(option, run.Out));
        Assert.Contains($"Examples:\n  hshare {command}", run.Out.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Without_arguments_the_help_lists_the_commands()
    {
        ToolRun run = await ToolRun.WithAsync();

        Assert.Equal(0, run.ExitCode);
        string[] commands = ["ask", "chat", "inspect", "verify", "eval", "calibrate", "bench", "doctor", "plan"];
        Assert.All(commands, command => Assert.Contains($"  {command}", run.Out));
    }
}
