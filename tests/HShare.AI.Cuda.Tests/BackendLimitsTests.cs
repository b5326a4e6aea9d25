using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests;

/// <summary>What the GPU cannot compute is refused by name before weights are loaded.</summary>
public sealed class BackendLimitsTests
{
    [Theory]
    [InlineData(4, 4, 24, "Heads of 24 elements")]
    [InlineData(4, 4, 256, "Heads of 256 elements")]
    [InlineData(32, 1, 64, "32 heads share a KV head")]
    [InlineData(256, 256, 64, "256 KV heads")]
    public void Heads_that_no_kernel_takes_are_named(int heads, int kvHeads, int headDim, string named)
    {
        using CudaBackend backend = Gpu.Backend();
        var error = Assert.Throws<NotSupportedException>(() => backend.RequireAttention(new AttentionShape(heads, kvHeads, headDim, 0)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains("CPU backend", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Heads_of_usual_models_are_taken()
    {
        using CudaBackend backend = Gpu.Backend();
        backend.RequireAttention(new AttentionShape(32, 8, 128, 4096));
        backend.RequireAttention(new AttentionShape(64, 4, 64, 0));
    }
}
