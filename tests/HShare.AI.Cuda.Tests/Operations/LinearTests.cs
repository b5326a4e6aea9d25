using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using LinearOperation = HShare.AI.Cuda.Operations.LinearOperation;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Linear layers on the GPU equal plain sums over the same weights, for every number of rows and cut of the work.</summary>
public sealed class LinearTests : IDisposable
{
    private const double SumError = 3e-6;        // products of 16-bit elements are exact in float32; only sums round
    private const double WidenedError = 3e-3;    // 8-bit weights times their scale, rounded to bfloat16
    private const double ActivatedError = 5e-3;  // of bfloat16 results
    private const int LoadedRows = 100;

    private readonly CpuBackend _host = new(1);
    private readonly Random _random = new(5);

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(32)]
    [InlineData(40)]
    public void A_layer_of_any_number_of_rows_equals_the_cpu(int rows)
    {
        using CudaBackend backend = Gpu.Backend();
        float[] weights = _random.Floats(100 * 144), biases = _random.Floats(100), inputs = Inputs(backend, rows, 144);
        Tensor[] parts = [Host(DType.BFloat16, 60, 144, weights[..(60 * 144)]), Host(DType.BFloat16, 40, 144, weights[(60 * 144)..])];
        Tensor[] bias = [Host(DType.Float32, 1, 60, biases[..60]), Host(DType.Float32, 1, 40, biases[60..])];
        LinearWeight cpuWeight = _host.LoadLinear(parts, bias, WeightFormat.AsStored);
        Tensor expected = _host.Allocate(DType.Float32, rows, 100);
        _host.Linear(Host(DType.Float32, rows, 144, inputs), cpuWeight, expected);

        float[] actual = Run(backend, inputs, rows, backend.LoadLinear(parts, bias, WeightFormat.AsStored));
        TensorBits.AssertClose(_host.Download(expected), actual, SumError);
    }

    [Theory]
    [InlineData(16, 5, 1)]       // a part of one unit
    [InlineData(64, 64, 1)]
    [InlineData(512, 512, 4)]    // blocks of whole tiles
    [InlineData(1040, 300, 3)]   // tiles cut between two blocks
    [InlineData(2048, 70, 7)]    // tiles cut among several
    [InlineData(1296, 200, 132)]
    public void Work_cut_anywhere_adds_up(int inFeatures, int outFeatures, int blocks)
    {
        using CudaBackend backend = Gpu.Backend();
        LinearOperation linear = new(backend.Runtime) { Blocks = blocks };
        LinearWeight weight = backend.LoadLinear(
            [Host(DType.BFloat16, outFeatures, inFeatures, _random.Floats(outFeatures * inFeatures))], [], WeightFormat.AsStored);
        float[] values = backend.Download(weight.Data);
        foreach (int rows in (int[])[2, 30, 11, 2])
        {
            float[] inputs = Inputs(backend, rows, inFeatures);
            float[] actual = Run(backend, inputs, rows, weight, linear);
            TensorBits.AssertClose(Product(inputs, values, inFeatures), actual, SumError);
            Assert.Equal(actual, Run(backend, inputs, rows, weight, linear)); // bit for bit, and the counters are back at zero
        }
    }

    [Theory]
    [InlineData(WeightFormat.Int8, 5)]
    [InlineData(WeightFormat.Int8, 30)]
    [InlineData(WeightFormat.Int8, 40)]
    [InlineData(WeightFormat.Float8, 5)]
    [InlineData(WeightFormat.Float8, 40)]
    public void Weights_of_8_bits_are_multiplied_by_their_scales(WeightFormat format, int rows)
    {
        using CudaBackend backend = Gpu.Backend();
        AssertEightBit(backend, format, rows, rows <= LinearOperation.MostSkinnyRows ? SumError : WidenedError);
    }

    [Theory]
    [InlineData(WeightFormat.AsStored)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Float8)]
    public void Half_precision_multiplies_all_formats(WeightFormat format)
    {
        using CudaBackend backend = Gpu.Backend(DType.Float16);
        AssertEightBit(backend, format, 4, SumError);
    }

    [Fact]
    public void Slices_of_widened_weights_make_up_the_layer()
    {
        using CudaBackend backend = Gpu.Backend();
        LinearWeight weight = backend.LoadLinear([Host(DType.Float32, 300, 64, _random.Floats(300 * 64))], [], WeightFormat.Int8);
        float[] inputs = Inputs(backend, 33, 64);
        LinearOperation inOne = new(backend.Runtime), inSlices = new(backend.Runtime) { SliceBytes = 128 * 64 * 2 };
        TensorBits.AssertClose(Run(backend, inputs, 33, weight, inOne), Run(backend, inputs, 33, weight, inSlices), SumError);
    }

    [Fact]
    public void Rows_do_not_depend_on_the_rows_beside_them()
    {
        using CudaBackend backend = Gpu.Backend();
        LinearWeight weight = backend.LoadLinear(
            [Host(DType.BFloat16, 130, 1056, _random.Floats(130 * 1056))], [], WeightFormat.AsStored);
        float[] inputs = Inputs(backend, 32, 1056);
        float[] all = Run(backend, inputs, 32, weight);
        foreach (int rows in (int[])[3, 16])
        {
            float[] some = Run(backend, inputs[..(rows * 1056)], rows, weight);
            Assert.Equal(all[..some.Length], some);
        }
    }

    [Theory]
    [InlineData(WeightFormat.AsStored, 1, 40)]   // a part of a tile
    [InlineData(WeightFormat.AsStored, 9, 40)]
    [InlineData(WeightFormat.AsStored, 16, 200)] // tiles cut between blocks
    [InlineData(WeightFormat.AsStored, 20, 136)]
    [InlineData(WeightFormat.AsStored, 40, 40)]  // the two operations
    [InlineData(WeightFormat.AsStored, 2, 37)]   // no vectors needed
    [InlineData(WeightFormat.Int8, 1, 72)]
    [InlineData(WeightFormat.Int8, 9, 200)]
    [InlineData(WeightFormat.Int8, 16, 40)]
    [InlineData(WeightFormat.Int8, 20, 40)]
    [InlineData(WeightFormat.Int8, 40, 40)]
    public void A_gated_layer_is_activated_as_by_two_operations(WeightFormat format, int rows, int columns)
    {
        const int InFeatures = 1040;
        using CudaBackend backend = Gpu.Backend();
        LinearOperation linear = new(backend.Runtime) { Blocks = 5 };
        Tensor[] parts = [.. Enumerable.Range(0, 2).Select(_ => Host(
            DType.BFloat16, columns, InFeatures, _random.Floats(columns * InFeatures, 0.1f)))];
        LinearWeight weight = backend.LoadLinear(parts, [], format);
        float[] inputs = Inputs(backend, rows, InFeatures);
        float[] gateUp = Product(inputs, StoredWeights.Read(backend, weight), InFeatures);
        float[] expected = [.. gateUp.Chunk(2 * columns).SelectMany(row => Enumerable.Range(0, columns).Select(
            i => (float)(row[i] / (1 + Math.Exp(-row[i])) * row[columns + i])))];

        Tensor input = backend.Upload(backend.ActivationType, rows, InFeatures, inputs);
        Tensor working = backend.Poisoned(DType.Float32, rows, 2 * columns);
        Tensor activated = backend.Poisoned(backend.ActivationType, rows, columns);
        linear.RunSwiGlu(input, weight, working, activated);
        float[] first = backend.Download(activated);
        TensorBits.AssertClose(expected, first, ActivatedError);
        linear.RunSwiGlu(input, weight, working, activated);
        Assert.Equal(first, backend.Download(activated));
    }

    private void AssertEightBit(CudaBackend backend, WeightFormat format, int rows, double limit)
    {
        const int InFeatures = 1296;
        float[] biases = _random.Floats(LoadedRows);
        Tensor host = Host(DType.Float16, LoadedRows, InFeatures, _random.Floats(LoadedRows * InFeatures, 0.3f));
        LinearWeight weight = backend.LoadLinear([host], [Host(DType.Float32, 1, LoadedRows, biases)], format);
        float[] inputs = Inputs(backend, rows, InFeatures);
        float[] expected = Product(inputs, StoredWeights.Read(backend, weight), InFeatures);
        for (int i = 0; i < expected.Length; i++)
            expected[i] += biases[i % LoadedRows];
        TensorBits.AssertClose(expected, Run(backend, inputs, rows, weight), limit);
    }

    private float[] Inputs(CudaBackend backend, int rows, int columns) =>
        _random.Floats(rows * columns, 2).Rounded(backend.ActivationType);

    private Tensor Host(DType type, int rows, int columns, float[] values) => _host.Upload(type, rows, columns, values);

    private static float[] Run(CudaBackend backend, float[] inputs, int rows, LinearWeight weight, LinearOperation? linear = null)
    {
        Tensor input = backend.Upload(backend.ActivationType, rows, weight.InFeatures, inputs);
        Tensor output = backend.Poisoned(DType.Float32, rows, weight.OutFeatures);
        if (linear is null)
            backend.Linear(input, weight, output);
        else
            linear.Run(input, weight, output);
        return backend.Download(output);
    }

    // input · Wᵀ in double precision.
    private static float[] Product(float[] inputs, float[] weights, int inFeatures) =>
        [.. inputs.Chunk(inFeatures).SelectMany(row => weights.Chunk(inFeatures).Select(
            w => (float)row.Zip(w, (x, y) => (double)x * y).Sum()))];
}
