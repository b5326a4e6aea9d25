using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace HShare.AI.Cuda.Tests.Compilation;

/// <summary>
/// The kernels with the real instruction set: the emulated GPU compiles them against a plain C++ twin of device.cuh, clang against
/// device.cuh itself, down to its inline assembly.
/// </summary>
public sealed class KernelSyntaxTests
{
    private const string Compiler = "clang-19";

    // One specialisation of every file.
    private static readonly string[] Macros =
    [
        "ELEMENT=bf16", "CACHE=bf16", "HEAD_DIM=128", "GROUP=4", "BLOCK_SIZE=32", "COLUMN_TILES=2", "STAGES=3", "SWIGLU=0", "DISTANT=0",
        "QUERY_TILE=64", "LISTS=1", "SHARED=0", "BLOCKS_PER_SM=4", "UNIT=16", "POOLED=0", "FOR_GOOD=0", "CHANNELS=16", "HIDDEN=4096",
        "THREADS=512", "TABLE=bf16", "SOURCE=float", "TARGET=bf16",
    ];

    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Path.Combine(TestFiles.Root, "kernels"), "*.cu").Select(path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_kernel_compiles_for_a_real_gpu(string file)
    {
        string weight = file is "dequantize.cu" or "quantize.cu" ? "WEIGHT=e4m3" : "WEIGHT=bf16";
        ProcessStartInfo start = new("bash")
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = TestFiles.Root,
        };
        string source = Source(file);
        IEnumerable<string> macros = Macros.Append(weight).Where(macro => Takes(source, macro.Split('=')[0])).Select(macro => $"-D{macro}");
        foreach (string argument in (string[])["tests/gpu-emulator/check-syntax", $"kernels/{file}", .. macros])
            start.ArgumentList.Add(argument);
        Assert.SkipUnless(IsThere(Compiler), $"{Compiler} is not installed: it alone can compile the kernels' inline assembly here.");

        using var check = Process.Start(start)!;
        string output = await check.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await check.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(check.ExitCode == 0, errors);
        Assert.Contains("instructions", output, StringComparison.Ordinal);
    }

    // A file with what it includes, and what that includes.
    private static string Source(string file)
    {
        string text = File.ReadAllText(Path.Combine(TestFiles.Root, "kernels", file));
        return string.Concat([text, .. Regex.Matches(text, "#include \"(.*)\"").Select(include => Source(include.Groups[1].Value))]);
    }

    // Whether a name is used and not defined there.
    private static bool Takes(string source, string name) =>
        Regex.IsMatch(source, $@"\b{name}\b") && !Regex.IsMatch(source, $@"#define {name}\b|constexpr int [^;]*\b{name} =");

    private static bool IsThere(string command)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, "--version") { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
