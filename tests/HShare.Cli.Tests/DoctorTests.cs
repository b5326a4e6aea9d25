using HShare.AI;
using HShare.AI.Engine.Compute.Cpu;
using HShare.Cli.Doctor;
using HShare.Cli.Output;

namespace HShare.Cli.Tests;

public sealed class DoctorTests
{
    private static readonly string[] Operations =
    [
        "Embed", "AddRmsNorm", "Linear, bf16", "Linear, int8", "RotateAndStore", "AttendPrefill", "AttendDecode", "AttendSelected",
        "Retrieve, Exact", "Retrieve, LabelChannels", "Retrieve, PageBounds", "Retrieve, Accumulated", "SwiGlu", "Logits", "Sample",
    ];

    [Fact]
    public void Every_operation_is_compared_on_operands_that_it_takes()
    {
        using CpuBackend some = new(2), one = new(1);

        DoctorCheck[] checks = [.. new OperationChecks(some, one, HShareBackend.Cpu).Run()];

        Assert.Equal(Operations, checks.Select(check => check.Name));
        Assert.All(checks, check => Assert.Equal((CheckStatus.Ok, null), (check.Status, check.Fix)));
    }

    [Fact]
    public void A_difference_is_relative_and_what_is_no_number_differs()
    {
        Assert.Equal(0.1, OperationChecks.Difference([3, 4.5f], [3, 4]), 6);
        Assert.Equal(double.PositiveInfinity, OperationChecks.Difference([float.NaN], [1]));
        Assert.Equal(double.PositiveInfinity, OperationChecks.Difference([1], [1, 2]));
    }

    [Fact]
    public void Lists_differ_by_the_tokens_that_are_others()
    {
        Assert.Equal(0, OperationChecks.ShareOfOthers([[1, 2], []], [[1, 2], []]));
        Assert.Equal(0.5, OperationChecks.ShareOfOthers([[1, 2], [1, 3]], [[1, 2], [1, 2]]));
        Assert.Equal(1, OperationChecks.ShareOfOthers([[2, 1]], [[1, 2]]));
        Assert.Equal(1, OperationChecks.ShareOfOthers([[1]], [[1, 2]]));
    }

    [Theory]
    [InlineData(HShareBackend.Auto, true, true, HShareBackend.Cuda, true)]
    [InlineData(HShareBackend.Auto, true, false, HShareBackend.Cuda, false)]
    [InlineData(HShareBackend.Auto, false, false, HShareBackend.Cpu, true)]
    [InlineData(HShareBackend.Cuda, false, false, HShareBackend.Cuda, false)]
    [InlineData(HShareBackend.Cpu, false, false, HShareBackend.Cpu, true)]
    public void What_the_chosen_backend_needs_decides(
        HShareBackend asked, bool opens, bool computes, HShareBackend chosen, bool passes)
    {
        DoctorReport report = new(
            asked,
            [
                DoctorCheck.Ok("operating system", "", HShareBackend.Auto),
                Check(GpuChecks.Opening, opens),
                Check("operation Embed", computes),
            ]);

        Assert.Equal((chosen, passes), (report.Chosen, report.Passed));
        Assert.True(report.CpuWorks);
        Assert.Equal(opens && computes, report.GpuWorks);
    }

    [Fact]
    public void A_table_says_what_to_do()
    {
        using StringWriter output = new();
        DoctorCheck missing = DoctorCheck.Failed("NVIDIA driver", "is missing", "Install it.", HShareBackend.Cuda);
        DoctorReport report = new(HShareBackend.Auto, [missing]);

        DoctorTables.Write(Terminal.Of(TextReader.Null, output, TextWriter.Null), report);

        string text = output.ToString();
        Assert.Contains("FAILED", text);
        Assert.Contains("NVIDIA driver: Install it.", text);
        Assert.Contains("The GPU backend does not work here.", text);
        Assert.Contains("The CPU backend works.", text);
    }

    [Fact]
    public async Task The_CPU_is_examined()
    {
        ToolRun run = await ToolRun.WithAsync("doctor", "--backend", "cpu", "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.True((bool)run.Json["passed"]!);
        Assert.Equal("cpu", (string)run.Json["chosen"]!);
        Assert.All(run.Json["checks"]!.AsArray(), check => Assert.Equal("ok", (string)check!["status"]!));
    }

    [Fact]
    public void A_decode_is_compared_token_by_token()
    {
        using CpuBackend backend = new(1);
        string model = BundledModel.Find();
        (DoctorCheck onCpu, int[] tokens) = DecodeCheck.OnCpu(model, TestContext.Current.CancellationToken);

        DoctorCheck same = DecodeCheck.On(model, backend, tokens, HShareBackend.Cuda, TestContext.Current.CancellationToken);

        Assert.Equal(CheckStatus.Ok, onCpu.Status);
        Assert.Equal("24 of 24 tokens equal", same.Finding);
    }

    private static DoctorCheck Check(string name, bool passes) => passes
        ? DoctorCheck.Ok(name, "", HShareBackend.Cuda)
        : DoctorCheck.Failed(name, "", null, HShareBackend.Cuda);
}
