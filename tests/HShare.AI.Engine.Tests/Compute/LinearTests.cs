using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class LinearTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);
    private readonly Random _random = new(7);

    public void Dispose() => _backend.Dispose();

    // Rows around the tile of 6, outputs around the panel of 16, inputs around the depth block.
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 1, 1 }, { 1, 16, 15 }, { 1, 300, 257 }, { 2, 17, 64 }, { 5, 33, 255 }, { 6, 16, 256 }, { 7, 48, 384 }, { 13, 130, 600 },
        { 64, 64, 96 }, { 191, 40, 100 }, { 193, 100, 520 }, { 400, 530, 70 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Linear_equals_double_precision(int rows, int outFeatures, int inFeatures)
    {
        foreach (DType type in new[] { DType.Float32, DType.Float16, DType.BFloat16 })
        {
            Tensor weight = _backend.UploadRandom(type, outFeatures, inFeatures, _random);
            Tensor input = _backend.UploadRandom(DType.Float32, rows, inFeatures, _random);
            float[] output = Run(input, _backend.LoadLinear([weight], [], WeightFormat.AsStored));
            TensorData.AssertClose(Reference(input, weight, null), output, 1e-5 * Math.Sqrt(inFeatures));
        }
    }

    [Fact]
    public void Parts_are_concatenated_with_their_biases()
    {
        Tensor input = _backend.UploadRandom(DType.Float32, 9, 40, _random);
        int[] rows = [21, 5, 16];
        Tensor[] parts = [.. rows.Select(count => _backend.UploadRandom(DType.BFloat16, count, 40, _random))];
        Tensor[] biases = [.. rows.Select(count => _backend.UploadRandom(DType.Float16, 1, count, _random))];

        float[] output = Run(input, _backend.LoadLinear(parts, biases, WeightFormat.AsStored));

        double[][] expected = [.. parts.Zip(biases, (part, bias) => Reference(input, part, bias))];
        for (int row = 0; row < 9; row++)
        {
            double[] line = [.. expected.Zip(rows, (values, count) => values[(row * count)..((row + 1) * count)]).SelectMany(v => v)];
            TensorData.AssertClose(line, output.AsSpan(row * 42, 42), 1e-4);
        }
    }

    [Fact]
    public void BFloat16_format_rounds_float32_weights_to_nearest_even()
    {
        float[] values = _random.RandomFloats(32 * 48);
        Tensor exact = _backend.Upload(DType.Float32, 32, 48, values);
        Tensor rounded = _backend.Upload(DType.BFloat16, 32, 48, values);
        Tensor input = _backend.UploadRandom(DType.Float32, 8, 48, _random);

        TensorData.AssertSameBits(
            Run(input, _backend.LoadLinear([rounded], [], WeightFormat.AsStored)),
            Run(input, _backend.LoadLinear([exact], [], WeightFormat.BFloat16)));
    }

    [Fact]
    public void Int8_weights_are_within_half_a_step_of_the_row()
    {
        const int Rows = 11, Out = 50, In = 300;
        foreach (DType type in new[] { DType.Float32, DType.Float16, DType.BFloat16 })
        {
            float[] values = _random.RandomFloats(Out * In);
            Array.Clear(values, 3 * In, In); // a row of zeros keeps its scale finite
            Tensor weight = _backend.Upload(type, Out, In, values);
            Tensor input = _backend.UploadRandom(DType.Float32, Rows, In, _random);
            LinearWeight quantized = _backend.LoadLinear([weight], [], WeightFormat.Int8);
            float[] output = Run(input, quantized);

            double[] w = _backend.DownloadDoubles(weight);
            double[] dequantized = new double[w.Length];
            for (int o = 0; o < Out; o++)
            {
                double scale = w[(o * In)..((o + 1) * In)].Max(Math.Abs) / 127;
                for (int i = o * In; i < (o + 1) * In; i++)
                    dequantized[i] = scale == 0 ? 0 : Math.Round(w[i] / scale) * scale;
            }

            // Ties of the rounding may fall the other way in float32, which moves one weight by one step.
            double[] expected = Reference(_backend.DownloadDoubles(input), Rows, dequantized, Out, In, null);
            TensorData.AssertClose(expected, output, 0.02);
        }
    }

    [Theory]
    [InlineData(WeightFormat.AsStored, DType.Float32)]
    [InlineData(WeightFormat.AsStored, DType.Float16)]
    [InlineData(WeightFormat.AsStored, DType.BFloat16)]
    [InlineData(WeightFormat.Int8, DType.BFloat16)]
    public void A_row_is_the_same_bit_for_bit_alone_and_among_others(WeightFormat format, DType type)
    {
        const int Out = 101, In = 700, MaxRows = 400;
        LinearWeight weight = _backend.LoadLinear(
            [_backend.UploadRandom(type, Out, In, _random)], [_backend.UploadRandom(DType.Float32, 1, Out, _random)], format);
        Tensor input = _backend.UploadRandom(DType.Float32, MaxRows, In, _random);
        float[] all = Run(input, weight);

        foreach (int rows in new[] { 1, 2, 3, 4, 5, 6, 7, 12, 31, 192, 200 })
        {
            int first = _random.Next(MaxRows - rows);
            TensorData.AssertSameBits(all.AsSpan(first * Out, rows * Out), Run(input.Slice(first, rows), weight));
        }
    }

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        float[] values = _random.RandomFloats(300 * 500), inputs = _random.RandomFloats(250 * 500);
        float[][] results = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var backend = new CpuBackend(threads);
            LinearWeight weight = backend.LoadLinear([backend.Upload(DType.Float32, 300, 500, values)], [], WeightFormat.AsStored);
            Tensor output = backend.Allocate(DType.Float32, 250, 300);
            backend.Linear(backend.Upload(DType.Float32, 250, 500, inputs), weight, output);
            return backend.Download(output);
        })];
        TensorData.AssertSameBits(results[0], results[1]);
        TensorData.AssertSameBits(results[0], results[2]);
    }

    [Fact]
    public void Logits_are_the_head_over_the_rows_asked_for()
    {
        Tensor weight = _backend.UploadRandom(DType.BFloat16, 77, 64, _random);
        LinearWeight head = _backend.LoadLinear([weight], [], WeightFormat.AsStored);
        Tensor hidden = _backend.UploadRandom(DType.Float32, 10, 64, _random);
        var step = new StepTensors(_backend, 10, 4, 4) { RowCount = 10, LogitCount = 3 };
        _backend.Write<int>(step.LogitRows, [0, 4, 9]);
        Tensor logits = _backend.Allocate(DType.Float32, 3, 77);

        _backend.Logits(hidden, step, head, logits);

        float[] all = Run(hidden, head);
        float[] expected = [.. all[..77], .. all[(4 * 77)..(5 * 77)], .. all[(9 * 77)..]];
        TensorData.AssertSameBits(expected, _backend.Download(logits));
    }

    [Fact]
    public void Wrong_shapes_are_named()
    {
        LinearWeight weight = _backend.LoadLinear([_backend.Allocate(DType.Float32, 8, 4)], [], WeightFormat.AsStored);
        Tensor input = _backend.Allocate(DType.Float32, 3, 5), output = _backend.Allocate(DType.Float32, 3, 8);
        var exception = Assert.Throws<ArgumentException>(() => _backend.Linear(input, weight, output));
        Assert.Equal("Linear: input is float32 [3, 5], but must be float32 [3, 4].", exception.Message);
        Assert.Throws<ArgumentException>(() => _backend.Linear(_backend.Allocate(DType.Float32, 2, 4), weight, output));
        Assert.Throws<ArgumentException>(() => _backend.LoadLinear([], [], WeightFormat.AsStored));
        Assert.Throws<ArgumentException>(() => _backend.LoadLinear([input], [output, output], WeightFormat.AsStored));
        Assert.Throws<ArgumentException>(() => _backend.LoadLinear([_backend.Allocate(DType.Int32, 2, 2)], [], WeightFormat.AsStored));
    }

    private float[] Run(Tensor input, LinearWeight weight)
    {
        Tensor output = _backend.Allocate(DType.Float32, input.Rows, weight.OutFeatures);
        _backend.Linear(input, weight, output);
        return _backend.Download(output);
    }

    private double[] Reference(Tensor input, Tensor weight, Tensor? bias) => Reference(
        _backend.DownloadDoubles(input),
        input.Rows,
        _backend.DownloadDoubles(weight),
        weight.Rows,
        weight.Columns,
        bias is { } vector ? _backend.DownloadDoubles(vector) : null);

    private static double[] Reference(double[] input, int rows, double[] weight, int outFeatures, int inFeatures, double[]? bias)
    {
        double[] output = new double[rows * outFeatures];
        for (int row = 0; row < rows; row++)
        {
            for (int o = 0; o < outFeatures; o++)
            {
                double sum = bias?[o] ?? 0;
                for (int i = 0; i < inFeatures; i++)
                    sum += input[row * inFeatures + i] * weight[o * inFeatures + i];
                output[row * outFeatures + o] = sum;
            }
        }

        return output;
    }
}
