using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Operations on single rows on the GPU equal the CPU's, to the rounding of 16-bit elements.</summary>
public sealed class RowOperationTests : IDisposable
{
    private const double BFloat16Error = 4e-3, Float16Error = 5e-4;

    private readonly CpuBackend _cpu = new(1);
    private readonly Random _random = new(21);

    public void Dispose() => _cpu.Dispose();

    [Fact]
    public void Embed_copies_rows_that_take_several_blocks()
    {
        using CudaBackend backend = Gpu.Backend();
        float[] table = _random.Floats(3 * 2120).Rounded(DType.BFloat16);
        Tensor hidden = backend.Poisoned(DType.Float32, 2, 2120);
        backend.Embed(backend.Upload(2, 0), backend.LoadMatrix(_cpu.Upload(DType.BFloat16, 3, 2120, table)), hidden);
        Assert.Equal([.. table[(2 * 2120)..], .. table[..2120]], backend.Download(hidden));
    }

    [Fact]
    public void Embed_copies_rows_and_marks_unknown_tokens()
    {
        using CudaBackend backend = Gpu.Backend();
        float[] table = _random.Floats(50 * 80).Rounded(DType.BFloat16);
        Tensor hidden = backend.Poisoned(DType.Float32, 5, 80);
        backend.Embed(
            backend.Upload(49, 0, 7, -1, 50, 3), backend.LoadMatrix(_cpu.Upload(DType.BFloat16, 50, 80, table)), hidden);
        float[][] rows = [.. backend.Download(hidden).Chunk(80)], expected = [.. table.Chunk(80)];
        Assert.Equal([expected[49], expected[0], expected[7]], rows[..3]);
        Assert.All([.. rows[3], .. rows[4]], value => Assert.True(float.IsNaN(value)));
    }

    [Theory]
    [InlineData(1, 64, true, DType.BFloat16)]
    [InlineData(3, 520, true, DType.BFloat16)]
    [InlineData(2, 520, false, DType.Float16)]
    [InlineData(2, 8192, true, DType.BFloat16)]
    public void AddRmsNorm_equals_the_cpu(int rows, int columns, bool withDelta, DType type)
    {
        using CudaBackend backend = Gpu.Backend(type);
        float[] residuals = _random.Floats(rows * columns, 3), deltas = _random.Floats(rows * columns), weights = _random.Floats(columns);
        Tensor expected = _cpu.Allocate(DType.Float32, rows, columns), actual = backend.Poisoned(type, rows, columns);
        Tensor cpuResidual = Run(_cpu, expected), gpuResidual = Run(backend, actual);
        TensorBits.AssertClose(_cpu.Download(cpuResidual), backend.Download(gpuResidual), 1e-7);
        TensorBits.AssertClose(_cpu.Download(expected), backend.Download(actual), ErrorOf(type));

        Tensor Run(Backend on, Tensor normed)
        {
            Tensor residual = on.Upload(DType.Float32, rows, columns, residuals);
            Tensor delta = withDelta ? on.Upload(DType.Float32, rows, columns, deltas) : Tensor.None;
            on.AddRmsNorm(residual, delta, on.Upload(DType.Float32, 1, columns, weights), 1e-5f, normed);
            return residual;
        }
    }

    [Theory]
    [InlineData(1, 64, DType.BFloat16)]
    [InlineData(5, 2064, DType.Float16)]
    public void SwiGlu_equals_the_cpu(int rows, int columns, DType type)
    {
        using CudaBackend backend = Gpu.Backend(type);
        float[] gateUp = _random.Floats(rows * 2 * columns, 10);
        (gateUp[0], gateUp[1], gateUp[2]) = (-1000, 1000, -89);
        Tensor expected = _cpu.Allocate(DType.Float32, rows, columns), actual = backend.Poisoned(type, rows, columns);
        _cpu.SwiGlu(_cpu.Upload(DType.Float32, rows, 2 * columns, gateUp), expected);
        backend.SwiGlu(backend.Upload(DType.Float32, rows, 2 * columns, gateUp), actual);
        TensorBits.AssertClose(_cpu.Download(expected), backend.Download(actual), ErrorOf(type));
    }

    [Theory]
    [InlineData(0, 5, 8)]
    [InlineData(0, 1, 2, 3, 4, 5, 6, 7, 8)]
    public void Logits_are_those_of_the_rows_asked_for(params int[] asked)
    {
        using CudaBackend backend = Gpu.Backend();
        float[] hidden = _random.Floats(9 * 64).Rounded(DType.BFloat16), weights = _random.Floats(70 * 64);
        float[] expected = Run(_cpu), actual = Run(backend);
        TensorBits.AssertClose(expected, actual, 1e-6);

        float[] Run(Backend on)
        {
            LinearWeight head = on.LoadLinear([_cpu.Upload(DType.BFloat16, 70, 64, weights)], [], WeightFormat.AsStored);
            StepTensors step = new(on, 12, 4, 2) { RowCount = 9, LogitCount = asked.Length };
            on.Write<int>(step.LogitRows, asked);
            Tensor logits = on.Poisoned(DType.Float32, asked.Length, 70);
            on.Logits(on.Upload(on.ActivationType, 9, 64, hidden), step, head, logits);
            return on.Download(logits);
        }
    }

    [Fact]
    public void Rows_that_are_not_whole_vectors_are_refused()
    {
        using CudaBackend backend = Gpu.Backend();
        Tensor hidden = backend.Allocate(DType.Float32, 1, 12), table = backend.Allocate(DType.BFloat16, 5, 12);
        var exception = Assert.Throws<ArgumentException>(() => backend.Embed(backend.Upload(1), table, hidden));
        Assert.Contains("12 columns", exception.Message);
    }

    private static double ErrorOf(DType type) => type == DType.BFloat16 ? BFloat16Error : Float16Error;
}
