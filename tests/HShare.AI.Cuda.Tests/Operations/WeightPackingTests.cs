using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Weights come to the device in the format asked for.</summary>
public sealed class WeightPackingTests : IDisposable
{
    private readonly CpuBackend _host = new(1);
    private readonly Random _random = new(8);

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float16)]
    [InlineData(DType.Float32)]
    public void Weights_of_16_bits_are_rounded_to_the_type_that_is_multiplied(DType stored)
    {
        using CudaBackend backend = Gpu.Backend();
        float[] first = _random.Floats(5 * 48).Rounded(stored), second = _random.Floats(3 * 48).Rounded(stored);
        LinearWeight weight = backend.LoadLinear(
            [_host.Upload(stored, 5, 48, first), _host.Upload(stored, 3, 48, second)], [], WeightFormat.AsStored);
        Assert.Equal((8, 48, DType.BFloat16), (weight.OutFeatures, weight.InFeatures, weight.Data.Type));
        Assert.True(weight.Bias.IsNone && weight.Scales.IsNone);
        Assert.Equal(((float[])[.. first, .. second]).Rounded(DType.BFloat16), backend.Download(weight.Data));
        Assert.Equal(first.Rounded(DType.BFloat16), backend.Download(backend.LoadMatrix(_host.Upload(stored, 5, 48, first))));
        Assert.Equal(first, backend.Download(backend.LoadVector(_host.Upload(stored, 1, first.Length, first))));
    }

    [Fact]
    public void Integers_are_rounded_as_on_the_cpu()
    {
        using CudaBackend backend = Gpu.Backend();
        float[] values = _random.Floats(7 * 64);
        Array.Clear(values, 64, 64); // a row of zeros has the scale 0
        Tensor[] parts = [_host.Upload(DType.Float32, 2, 64, values[..128]), _host.Upload(DType.Float32, 5, 64, values[128..])];
        LinearWeight cpu = _host.LoadLinear(parts, [], WeightFormat.Int8), gpu = backend.LoadLinear(parts, [], WeightFormat.Int8);
        Assert.Equal(_host.Download(cpu.Scales), backend.Download(gpu.Scales));

        // The CPU keeps panels of 16 rows, input by input.
        sbyte[] panel = new sbyte[cpu.Data.ByteCount];
        _host.Read<sbyte>(cpu.Data, panel);
        float[] expected = [.. Enumerable.Range(0, 7 * 64).Select(i => (float)panel[i % 64 * 16 + i / 64])];
        Assert.Equal(expected, StoredWeights.ReadUnscaled(backend, gpu));
    }

    [Fact]
    public void Floats_of_8_bits_use_their_whole_range()
    {
        using CudaBackend backend = Gpu.Backend();
        float[] values = [.. _random.Floats(3 * 64).Select(value => value * value * value)];
        LinearWeight weight = backend.LoadLinear([_host.Upload(DType.Float32, 3, 64, values)], [], WeightFormat.Float8);
        float[] scales = backend.Download(weight.Scales);
        Assert.Equal(values.Chunk(64).Select(row => row.Max(MathF.Abs) / 448), scales);
        float[] scaled = [.. values.Select((value, i) => value * (448 / values.Chunk(64).ElementAt(i / 64).Max(MathF.Abs)))];
        Assert.Equal(scaled.Rounded(DType.Float8), StoredWeights.ReadUnscaled(backend, weight));
    }

    [Fact]
    public void Biases_are_concatenated()
    {
        using CudaBackend backend = Gpu.Backend();
        Tensor part = _host.Upload(DType.BFloat16, 3, 16, _random.Floats(48));
        LinearWeight weight = backend.LoadLinear(
            [part, part], [_host.Upload(DType.BFloat16, 1, 3, [1, 2, 3]), _host.Upload(DType.BFloat16, 1, 3, [4, 5, 6])],
            WeightFormat.BFloat16);
        Assert.Equal([1, 2, 3, 4, 5, 6], backend.Download(weight.Bias));
    }

    [Fact]
    public void Inputs_that_are_not_a_multiple_of_16_are_refused()
    {
        using CudaBackend backend = Gpu.Backend();
        Tensor part = _host.Upload(DType.BFloat16, 3, 24, _random.Floats(72));
        var exception = Assert.Throws<ArgumentException>(() => backend.LoadLinear([part], [], WeightFormat.AsStored));
        Assert.Contains("24 input features", exception.Message);
    }
}
