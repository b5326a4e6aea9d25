using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class CpuBackendTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void Memory_is_zeroed_and_begins_on_a_cache_line()
    {
        foreach (int columns in new[] { 1, 7, 1000 })
        {
            Tensor tensor = _backend.Allocate(DType.Float32, 3, columns);
            Assert.Equal(0, tensor.Address % 64);
            Assert.All(_backend.Download(tensor), value => Assert.Equal(0, value));
        }
    }

    [Theory]
    [InlineData(int.MaxValue, int.MaxValue, "18,446,744,056,529,682,436")]
    [InlineData(1 << 30, 1 << 24, "72,057,594,037,927,936")]
    public void Memory_that_is_not_there_is_refused_with_the_number(int rows, int columns, string bytes)
    {
        var exception = Assert.Throws<InsufficientMemoryException>(() => _backend.Allocate(DType.Float32, rows, columns));
        Assert.Contains(bytes, exception.Message);
    }

    [Fact]
    public void Write_and_read_stay_inside_the_tensor()
    {
        Tensor tensor = _backend.Allocate(DType.Float32, 2, 3);
        Assert.Throws<ArgumentException>(() => _backend.Write<float>(tensor, new float[7]));
        Assert.Throws<ArgumentException>(() => _backend.Read<float>(tensor, new float[7]));
        _backend.Write<float>(tensor, [1, 2]);
        Assert.Equal([1, 2, 0, 0, 0, 0], _backend.Download(tensor));
    }

    [Fact]
    public void Dispose_may_be_repeated_and_ends_allocation()
    {
        _backend.Dispose();
        _backend.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _backend.Allocate(DType.Float32, 1, 1));
    }

    [Fact]
    public void Description_names_threads() => Assert.StartsWith("cpu (2 threads, ", _backend.Description);

    [Fact]
    public void Sample_chooses_a_token_for_each_row()
    {
        const int Rows = 9, Vocabulary = 333;
        float[] values = new Random(4).RandomFloats(Rows * Vocabulary);
        Tensor logits = _backend.Upload(DType.Float32, Rows, Vocabulary, values);
        int[] ids = new int[Rows];
        SamplingRow[] rows = [.. Enumerable.Repeat(new SamplingRow(SamplingParameters.Greedy, 0, null), Rows)];
        _backend.Sample(logits, rows, ids);
        Assert.Equal(values.Chunk(Vocabulary).Select(row => row.Index().MaxBy(p => p.Item).Index), ids);
        Assert.Throws<ArgumentException>(() => _backend.Sample(logits, rows.AsSpan(1), ids));
        Assert.Throws<ArgumentException>(() => _backend.Sample(logits, rows, ids.AsSpan(1)));
    }
}
