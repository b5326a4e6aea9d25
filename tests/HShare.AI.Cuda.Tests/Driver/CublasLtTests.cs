using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Driver;

public class CublasLtTests
{
    [Theory]
    [InlineData(DType.BFloat16, 1, 8, 8)]
    [InlineData(DType.BFloat16, 17, 64, 24)]
    [InlineData(DType.Float16, 33, 40, 96)]
    public void The_product_is_that_of_input_and_transposed_weight(DType element, int rows, int inFeatures, int outFeatures)
    {
        using CudaRuntime cuda = Gpu.Runtime(element);
        float[] input = Random(rows * inFeatures, 1), weight = Random(outFeatures * inFeatures, 2);
        nint a = cuda.Upload<ushort>(Encode(input, element)), w = cuda.Upload<ushort>(Encode(weight, element));
        nint output = cuda.Upload<float>(Enumerable.Repeat(float.NaN, rows * outFeatures).ToArray());
        cuda.Cublas.Multiply(w, a, output, rows, inFeatures, outFeatures, element);
        float[] first = cuda.Download<float>(output, rows * outFeatures);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < outFeatures; column++)
            {
                double sum = 0;
                for (int i = 0; i < inFeatures; i++)
                    sum += (double)input[row * inFeatures + i] * weight[column * inFeatures + i];
                Assert.Equal(sum, first[row * outFeatures + column], 1e-4);
            }
        }

        cuda.Clear(output, first.Length * sizeof(float));
        using CudaGraph graph = cuda.Capture(() => cuda.Cublas.Multiply(w, a, output, rows, inFeatures, outFeatures, element));
        graph.Launch();
        Assert.Equal(first, cuda.Download<float>(output, first.Length));
    }

    [Fact]
    public void Rows_of_the_output_may_lie_apart()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        nint input = cuda.Upload<ushort>(Encode([.. Enumerable.Repeat(1f, 16), .. Enumerable.Repeat(2f, 16)], DType.BFloat16));
        nint weight = cuda.Upload<ushort>(Encode([.. Enumerable.Repeat(1f, 16 * 8)], DType.BFloat16));
        nint output = cuda.Upload<float>(Enumerable.Repeat(-1f, 24).ToArray());
        cuda.Cublas.Multiply(weight, input, output, 2, 16, 8, DType.BFloat16, outputStride: 16);
        float[] expected = [.. Enumerable.Repeat(16f, 8), .. Enumerable.Repeat(-1f, 8), .. Enumerable.Repeat(32f, 8)];
        Assert.Equal(expected, cuda.Download<float>(output, 24));
    }

    [Fact]
    public void The_first_product_of_a_shape_cannot_be_captured()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        nint memory = cuda.Allocate(4096);
        cuda.Cublas.Multiply(memory, memory, memory + 2048, 8, 8, 8, DType.BFloat16);
        Assert.Throws<InvalidOperationException>(
            () => cuda.Capture(() => cuda.Cublas.Multiply(memory, memory, memory + 2048, 16, 8, 8, DType.BFloat16)));
    }

    // Values that bfloat16 holds exactly, so that only the order of the sums differs.
    private static float[] Random(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(-64, 65) / 32f)];
    }

    private static ushort[] Encode(float[] values, DType element) => element == DType.Float16
        ? [.. values.Select(value => BitConverter.HalfToUInt16Bits((Half)value))]
        : [.. values.Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))];
}
