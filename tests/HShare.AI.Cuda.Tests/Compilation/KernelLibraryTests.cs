using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;

namespace HShare.AI.Cuda.Tests.Compilation;

public sealed class KernelLibraryTests : IDisposable
{
    private readonly CudaRuntime _cuda = Gpu.Runtime();
    private readonly TemporaryFolder _cache = new();

    public void Dispose()
    {
        _cuda.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public void A_file_is_compiled_once_and_then_taken_from_memory_and_from_the_folder()
    {
        using KernelLibrary first = Library();
        CudaFunction add = first.Get("add.cu", "add", ("FACTOR", "2"));
        Assert.Same(add, first.Get("add.cu", "add", ("FACTOR", "2")));
        Assert.Equal((1, 0), Counts(first));
        Assert.True(first.Statistics.CompileTime > TimeSpan.Zero);

        using KernelLibrary second = Library();
        Assert.Equal(20, Run(second, "2", 10));
        Assert.Equal((0, 1), Counts(second));
        Assert.Equal(TimeSpan.Zero, second.Statistics.CompileTime);
    }

    [Fact]
    public void Other_macros_are_another_kernel()
    {
        using KernelLibrary library = Library();
        Assert.Equal((10, 20, 10), (Run(library, "1", 10), Run(library, "2", 10), Run(library, "1", 10)));
        Assert.Equal((2, 0), Counts(library));
    }

    [Fact]
    public void A_changed_header_is_compiled_anew()
    {
        using KernelLibrary first = TestKernels.Library(_cuda, _cache.Path, ("a.cu", Included), ("value.cuh", "constexpr int VALUE = 1;"));
        using KernelLibrary second = TestKernels.Library(_cuda, _cache.Path, ("a.cu", Included), ("value.cuh", "constexpr int VALUE = 2;"));
        Assert.Equal((1, 2), (Value(first), Value(second)));
        Assert.Equal(((1, 0), (1, 0)), (Counts(first), Counts(second)));
    }

    [Fact]
    public void A_damaged_file_of_the_folder_is_compiled_anew()
    {
        using (KernelLibrary first = Library())
            first.Get("add.cu", "add", ("FACTOR", "2"));
        string file = Assert.Single(Directory.GetFiles(_cache.Path));
        byte[] content = File.ReadAllBytes(file);
        content[content.Length / 2] ^= 1;
        File.WriteAllBytes(file, content);

        AssertCompiledAnewOnce();
    }

    [Fact]
    public void A_whole_file_that_the_driver_refuses_is_compiled_anew()
    {
        using (KernelLibrary first = Library())
            first.Get("add.cu", "add", ("FACTOR", "2"));
        string key = Path.GetFileNameWithoutExtension(Assert.Single(Directory.GetFiles(_cache.Path)));
        new KernelCache(_cache.Path).Write(key, "no image of this driver's\0"u8);

        AssertCompiledAnewOnce();
    }

    [Fact]
    public void What_could_not_be_loaded_once_is_tried_again()
    {
        Dictionary<string, string> sources = new(KernelSources.Embedded) { ["add.cu"] = "nonsense" };
        using KernelLibrary library = new(_cuda, sources, _cache.Path);
        Assert.Throws<CudaException>(() => library.Get("add.cu", "add", ("FACTOR", "2")));
        sources["add.cu"] = TestKernels.Add;
        Assert.Equal(20, Run(library, "2", 10));
    }

    [Fact]
    public void An_error_in_a_kernel_is_told_with_the_file_and_the_compilers_words()
    {
        const string Broken = "extern \"C\" __global__ void broken() { nonsense; }";
        using KernelLibrary library = TestKernels.Library(_cuda, _cache.Path, ("broken.cu", Broken));
        CudaException problem = Assert.Throws<CudaException>(() => library.Get("broken.cu", "broken", ("SIZE", "4")));
        Assert.Equal(CudaFailure.Compilation, problem.Failure);
        Assert.Contains("broken.cu", problem.Message);
        Assert.Contains("-DSIZE=4", problem.Message);
        Assert.Contains("nonsense", problem.Message);
        Assert.Empty(Directory.GetFiles(_cache.Path));
    }

    [Fact]
    public void A_file_or_kernel_that_is_not_there_is_named()
    {
        using KernelLibrary library = Library();
        Assert.Contains("absent.cu", Assert.Throws<ArgumentException>(() => library.Get("absent.cu", "add")).Message);
        Assert.Contains("multiply", Assert.Throws<CudaException>(() => library.Get("add.cu", "multiply", ("FACTOR", "2"))).Message);
    }

    private const string Included = """
        #include "device.cuh"
        #include "value.cuh"
        extern "C" __global__ void __launch_bounds__(32) value(int* to)
        {
            wait_for_previous_kernel();
            let_next_kernel_start();
            to[0] = VALUE;
        }
        """;

    private void AssertCompiledAnewOnce()
    {
        using KernelLibrary second = Library();
        Assert.Equal(20, Run(second, "2", 10));
        Assert.Equal((1, 0), Counts(second));
        using KernelLibrary third = Library();
        Assert.Equal(20, Run(third, "2", 10));
        Assert.Equal((0, 1), Counts(third));
    }

    private KernelLibrary Library() => TestKernels.Library(_cuda, _cache.Path, ("add.cu", TestKernels.Add));

    private static (int Compiled, int FromCache) Counts(KernelLibrary library) =>
        (library.Statistics.Compiled, library.Statistics.FromCache);

    private int Run(KernelLibrary library, string factor, int amount)
    {
        nint value = _cuda.Upload(0);
        _cuda.Launch.Start(library.Get("add.cu", "add", ("FACTOR", factor))).Add(value).Add(amount).Add(1).Run(new Grid(1), 32);
        return _cuda.Download<int>(value, 1)[0];
    }

    private int Value(KernelLibrary library)
    {
        nint value = _cuda.Upload(0);
        _cuda.Launch.Start(library.Get("a.cu", "value")).Add(value).Run(new Grid(1), 1);
        return _cuda.Download<int>(value, 1)[0];
    }
}
