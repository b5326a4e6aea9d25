using HShare.AI.Engine.Compute;

namespace HShare.Cli.Bench.Gpu;

/// <summary>What the device can do at most, measured in the run whose figures are compared with it: medians.</summary>
/// <param name="CopyBytesPerSecond">A copy on the device, bytes read plus bytes written.</param>
/// <param name="MatrixFlopsPerSecond">
/// A product of square 16-bit matrices, two operations for each multiply-add; null where it was not measured.
/// </param>
internal sealed record GpuLimits(double CopyBytesPerSecond, double? MatrixFlopsPerSecond)
{
    private const int MostBytes = 1 << 30;
    private const int FewestBytes = 1 << 24;
    private const int LargestMatrix = 8192;
    private const int SmallestMatrix = 256;
    private const double LongestTime = 0.5; // seconds of one copy or product: a slow device is measured with smaller ones
    private const int Repeats = 7;

    /// <summary>Measures the copy bandwidth, and the matrix rate where it is asked for.</summary>
    /// <param name="device">The device; what is measured with stays allocated on it.</param>
    /// <param name="withMatrix">Whether to measure the matrix rate.</param>
    public static GpuLimits Measure(BenchDevice device, bool withMatrix) => new(Copy(device), withMatrix ? Matrix(device) : null);

    private static double Copy(BenchDevice device)
    {
        const int Columns = 1 << 10;
        int rows = (int)Math.Min(MostBytes, Math.Max(FewestBytes, device.Memory / 32)) / sizeof(float) / Columns;
        Tensor from = device.Backend.Allocate(DType.Float32, rows, Columns);
        Tensor to = device.Backend.Allocate(DType.Float32, rows, Columns);
        int part = FewestBytes / sizeof(float) / Columns;
        while (2 * part <= rows && 2 * Once(device, () => device.Copy(from.Take(part), to.Take(part))) < LongestTime)
            part *= 2;
        return 2 * from.Take(part).ByteCount / Median(device, () => device.Copy(from.Take(part), to.Take(part)));
    }

    private static double Matrix(BenchDevice device)
    {
        int size = SmallestMatrix;
        Action product = Product(device, size);
        while (2 * size <= LargestMatrix && 8 * Once(device, product) < LongestTime)
        {
            size *= 2;
            product = Product(device, size);
        }

        return 2.0 * size * size * size / Median(device, product);
    }

    private static Action Product(BenchDevice device, int size)
    {
        Backend backend = device.Backend;
        using RandomMatrix values = new(size, size);
        LinearWeight weight = backend.LoadLinear([values.Tensor], [], WeightFormat.BFloat16);
        Tensor input = RandomMatrix.Activations(backend, size, size), output = backend.Allocate(DType.Float32, size, size);
        return () => backend.Linear(input, weight, output);
    }

    private static double Once(BenchDevice device, Action work)
    {
        work();
        return device.Time(work);
    }

    private static double Median(BenchDevice device, Action work)
    {
        work();
        return Measurement.OfRepeats(Enumerable.Range(0, Repeats).Select(_ => device.Time(work))).Seconds;
    }
}
