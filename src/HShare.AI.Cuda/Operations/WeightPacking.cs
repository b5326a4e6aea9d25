using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// Brings weights to the device in the format that the kernels read: row-major, 16-bit elements of the backend's type, or 8-bit ones as
/// <c>weight_pairs.cuh</c> lays them out. What needs another type is uploaded as it is and converted there.
/// </summary>
internal sealed unsafe class WeightPacking(CudaRuntime cuda)
{
    private const int FeatureMultiple = 16; // inputs of a tensor core's product, and 8-bit weights of one access
    private const long ChunkBytes = 16 << 20;
    private const int Threads = 256;

    private readonly Dictionary<(DType From, DType To), CudaFunction> _kernels = [];
    private readonly DeviceScratch _chunk = cuda.NewScratch();

    /// <summary>Prepares a linear layer from host matrices whose rows are concatenated.</summary>
    /// <remarks>
    /// <see cref="WeightFormat.AsStored"/> and <see cref="WeightFormat.BFloat16"/> are both the backend's 16-bit type: other elements are
    /// rounded to it.
    /// </remarks>
    /// <exception cref="ArgumentException">The layer's inputs are not a multiple of 16.</exception>
    /// <exception cref="NotSupportedException">The GPU does not know 8-bit floating point numbers, and these are asked for.</exception>
    /// <inheritdoc cref="Backend.LoadLinear"/>
    public LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format)
    {
        int inFeatures = parts[0].Columns, outFeatures = 0;
        if (inFeatures % FeatureMultiple != 0)
        {
            throw new ArgumentException(
                $"LoadLinear: {inFeatures} input features; the GPU's kernels take multiples of {FeatureMultiple}. Use the CPU backend.");
        }

        if (format == WeightFormat.Float8 && !cuda.Properties.ConvertsFloat8)
        {
            throw new NotSupportedException(
                $"LoadLinear: weights in Float8; {cuda.Properties.Name} has no such numbers (compute capability 8.9 or later has). Choose "
                + "Int8, which takes the same memory.");
        }

        foreach (Tensor part in parts)
            outFeatures += part.Rows;
        DType type = format switch
        {
            WeightFormat.AsStored or WeightFormat.BFloat16 => cuda.Element,
            WeightFormat.Int8 => DType.Int8,
            WeightFormat.Float8 => DType.Float8,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown weight format."),
        };
        Tensor data = Allocate(type, outFeatures, inFeatures);
        Tensor scales = type == cuda.Element ? Tensor.None : Allocate(DType.Float32, 1, outFeatures);
        int first = 0;
        foreach (Tensor part in parts)
        {
            Fill(data.Slice(first, part.Rows), part, scales.IsNone ? 0 : scales.Address + first * sizeof(float));
            first += part.Rows;
        }

        return new LinearWeight(data, scales, biases.IsEmpty ? Tensor.None : LoadVectors(biases, outFeatures), outFeatures, inFeatures);
    }

    /// <summary>Copies a host matrix, rounded to the backend's 16-bit type: the embedding table.</summary>
    public Tensor LoadMatrix(Tensor host)
    {
        Tensor matrix = Allocate(cuda.Element, host.Rows, host.Columns);
        Fill(matrix, host, 0);
        return matrix;
    }

    /// <summary>Copies a host vector as float32: a norm's weight.</summary>
    public Tensor LoadVector(Tensor host) => LoadVectors([host], host.Rows * host.Columns);

    private Tensor LoadVectors(ReadOnlySpan<Tensor> vectors, int count)
    {
        float[] values = new float[count];
        fixed (float* start = values)
        {
            float* to = start;
            foreach (Tensor vector in vectors)
            {
                int length = vector.Rows * vector.Columns;
                ElementConversion.Widen((byte*)vector.Address, vector.Type, to, length);
                to += length;
            }

            Tensor device = Allocate(DType.Float32, 1, count);
            cuda.CopyToDevice(device.Address, (nint)start, device.ByteCount);
            return device;
        }
    }

    // Rows of a host matrix to as many rows of the device. The chunk is used again in the order of the stream.
    private void Fill(Tensor device, Tensor host, nint scales)
    {
        if (host.Type == device.Type)
        {
            cuda.CopyToDevice(device.Address, host.Address, host.ByteCount);
            return;
        }

        CudaFunction function = Kernel(host.Type, device.Type);
        int most = (int)Math.Clamp(ChunkBytes / host.RowBytes, 1, host.Rows);
        nint chunk = _chunk.Reserve(Math.Max(ChunkBytes, host.RowBytes));
        for (int first = 0; first < host.Rows; first += most)
        {
            Tensor from = host.Slice(first, Math.Min(most, host.Rows - first)), to = device.Slice(first, from.Rows);
            cuda.CopyToDevice(chunk, from.Address, from.ByteCount);
            KernelLaunch launch = cuda.Launch.Start(function).Add(chunk).Add(to.Address);
            if (scales == 0)
            {
                long count = (long)from.Rows * from.Columns;
                launch.Add(count).Run(new Grid((int)((count + Threads - 1) / Threads)), Threads);
            }
            else
            {
                launch.Add(scales + first * sizeof(float)).Add(from.Columns).Run(new Grid(from.Rows), Threads);
            }
        }

        // A linear layer's kernel reads its weights before it waits for the kernel before it: what writes them must have ended by then.
        cuda.Synchronize();
    }

    private CudaFunction Kernel(DType from, DType to)
    {
        if (_kernels.TryGetValue((from, to), out CudaFunction? function))
            return function;
        string source = from switch { DType.Float32 => "float", DType.Float16 => "f16", _ => "bf16" };
        function = to is DType.Int8 or DType.Float8
            ? cuda.Kernels.Get("quantize.cu", "quantize", ("SOURCE", source), ("WEIGHT", to == DType.Int8 ? "int8" : "e4m3"))
            : cuda.Kernels.Get("convert.cu", "convert", ("SOURCE", source), ("TARGET", cuda.ElementName));
        return _kernels[(from, to)] = function;
    }

    private Tensor Allocate(DType type, int rows, int columns) =>
        new(cuda.Allocate(Math.Max(1, (long)rows * columns * type.ByteSize())), type, rows, columns);
}
