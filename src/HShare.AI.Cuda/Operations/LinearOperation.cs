using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// output = input · Wᵀ (· scale) + bias. Few rows stream the weights once (<c>linear_skinny</c>); many rows are cuBLASLt's, and 8-bit
/// weights are widened for it slice by slice. A gated layer's activation is part of the streaming kernel.
/// </summary>
internal sealed class LinearOperation(CudaRuntime cuda)
{
    /// <summary>Most rows that stream the weights.</summary>
    internal const int MostSkinnyRows = 32;

    // What linear_skinny.cu is made of.
    private const int SkinnyThreads = 256, TileFeatures = 128, RowsPerTile = 8, LineBytes = 128, SumBytes = 16;
    private const int StaticSharedBytes = 128, ReservedSharedBytes = 1024; // of a block, its own and the machine's
    private const int MostStages = 6;
    private const int EnoughStages = 4;          // fewer, and a block takes more than half of the shared memory for the sake of more
    private const int LeastUnits = 2;            // of a block: less is not worth adding up another block's part

    private const int DequantizeThreads = 128, WeightsPerThread = 16, BiasThreads = 256;
    private const int SliceMultiple = 128;       // rows of a slice: whole tiles for cuBLASLt

    private readonly Dictionary<(DType Weight, int ColumnTiles, bool SwiGlu), CudaFunction> _skinny = [];
    private readonly Dictionary<DType, CudaFunction> _dequantize = [];
    private readonly DeviceScratch _slice = cuda.NewScratch();
    private readonly SwiGluOperation _swiGlu = new(cuda);
    private CudaFunction? _addBias;
    private nint _parts;
    private nint _arrivals;

    /// <summary>Bytes of a slice of widened weights.</summary>
    internal long SliceBytes { get; init; } = 64L << 20;

    /// <summary>Blocks of <c>linear_skinny</c>, instead of one for each multiprocessor. For tests.</summary>
    internal int? Blocks { get; init; }

    /// <summary>Runs the layer.</summary>
    /// <inheritdoc cref="Backend.Linear"/>
    public void Run(Tensor input, LinearWeight weight, Tensor output)
    {
        if (input.Rows == 0)
            return;
        if (input.Rows <= MostSkinnyRows)
        {
            Stream(input, weight, output, swiGlu: false);
            return;
        }

        if (weight.Scales.IsNone)
            Multiply(weight.Data, input, output, 0);
        else
            MultiplySlices(input, weight, output);
        if (!weight.Bias.IsNone)
            AddBias(weight, output);
    }

    /// <summary>Runs a gated layer and its activation; few rows leave <paramref name="working"/> untouched.</summary>
    /// <exception cref="ArgumentException">There are many rows and the activated columns are not a multiple of 8.</exception>
    /// <inheritdoc cref="Backend.LinearSwiGlu"/>
    public void RunSwiGlu(Tensor input, LinearWeight gateUp, Tensor working, Tensor activated)
    {
        if (input.Rows == 0)
            return;
        if (input.Rows <= MostSkinnyRows)
        {
            Stream(input, gateUp, activated, swiGlu: true);
            return;
        }

        Run(input, gateUp, working);
        _swiGlu.Run(working, activated);
    }

    private void Stream(Tensor input, LinearWeight weight, Tensor output, bool swiGlu)
    {
        int columnTiles = input.Rows <= RowsPerTile ? 1 : input.Rows <= 2 * RowsPerTile ? 2 : 4;
        int unit = LineBytes / weight.Data.Type.ByteSize();
        int stageBytes = TileFeatures * LineBytes + columnTiles * RowsPerTile * unit * cuda.Element.ByteSize();
        int stages = Stages(stageBytes);
        if (!_skinny.TryGetValue((weight.Data.Type, columnTiles, swiGlu), out CudaFunction? function))
        {
            _skinny[(weight.Data.Type, columnTiles, swiGlu)] = function = cuda.Kernels.Get(
                "linear_skinny.cu",
                "linear_skinny",
                ("ELEMENT", cuda.ElementName), ("WEIGHT", WeightName(weight.Data.Type)), ("COLUMN_TILES", $"{columnTiles}"),
                ("STAGES", $"{stages}"), ("SWIGLU", swiGlu ? "1" : "0"));
        }

        // Of a gated layer a tile has half its features from the gates and half from the ups.
        int tiles = swiGlu ? Ceiling(weight.OutFeatures / 2, TileFeatures / 2) : Ceiling(weight.OutFeatures, TileFeatures);
        long units = (long)tiles * Ceiling(weight.InFeatures, unit);
        int mostBlocks = Blocks ?? cuda.Properties.MultiprocessorCount;
        int blocks = (int)Math.Min((units + LeastUnits - 1) / LeastUnits, mostBlocks);
        ReserveParts(mostBlocks);
        cuda.Launch.Start(function)
            .Add(weight.Data.Address).Add(weight.Scales.Address).Add(weight.Bias.Address).Add(input.Address).Add(output.Address)
            .Add(input.Rows).Add(weight.OutFeatures).Add(weight.InFeatures).Add(_parts).Add(_arrivals)
            .Run(new Grid(blocks), SkinnyThreads, stages * stageBytes);
    }

    // At most half of a multiprocessor's shared memory, where that is deep enough: the other half is the cache's.
    private int Stages(int stageBytes)
    {
        DeviceProperties device = cuda.Properties;
        int ofTwo = (device.SharedBytesPerMultiprocessor / 2 - ReservedSharedBytes - StaticSharedBytes) / stageBytes;
        int ofOne = (device.SharedBytesPerBlock - StaticSharedBytes) / stageBytes;
        return Math.Min(ofTwo >= EnoughStages ? Math.Min(ofTwo, ofOne) : ofOne, MostStages);
    }

    // For two incomplete tiles of every block, of the most rows; at once, so that no captured launch ever points to memory left behind.
    private void ReserveParts(int blocks)
    {
        if (_parts != 0)
            return;
        const int MostColumnTiles = MostSkinnyRows / RowsPerTile;
        _parts = cuda.Allocate(2L * blocks * MostColumnTiles * SkinnyThreads * SumBytes);
        _arrivals = cuda.Allocate((long)blocks * sizeof(int));
    }

    private void MultiplySlices(Tensor input, LinearWeight weight, Tensor output)
    {
        if (!_dequantize.TryGetValue(weight.Data.Type, out CudaFunction? function))
        {
            _dequantize[weight.Data.Type] = function = cuda.Kernels.Get(
                "dequantize.cu", "dequantize", ("ELEMENT", cuda.ElementName), ("WEIGHT", WeightName(weight.Data.Type)));
        }

        long rowBytes = (long)weight.InFeatures * cuda.Element.ByteSize();
        int most = (int)Math.Min(Math.Max(SliceBytes / rowBytes / SliceMultiple, 1) * SliceMultiple, weight.OutFeatures);
        var slice = new Tensor(_slice.Reserve(Math.Max(SliceBytes, most * rowBytes)), cuda.Element, most, weight.InFeatures);
        for (int first = 0; first < weight.OutFeatures; first += most)
        {
            int count = Math.Min(most, weight.OutFeatures - first);
            cuda.Launch.Start(function)
                .Add(weight.Data.Slice(first, count).Address).Add(weight.Scales.Address + first * sizeof(float))
                .Add(slice.Address).Add(weight.InFeatures)
                .Run(new Grid(count, Ceiling(weight.InFeatures, DequantizeThreads * WeightsPerThread)), DequantizeThreads);
            Multiply(slice.Take(count), input, output, first);
        }
    }

    // The columns of the output from one on.
    private void Multiply(Tensor weight, Tensor input, Tensor output, int firstColumn) => cuda.Cublas.Multiply(
        weight.Address,
        input.Address,
        output.Address + firstColumn * sizeof(float),
        input.Rows,
        weight.Columns,
        weight.Rows,
        cuda.Element,
        output.Columns);

    private void AddBias(LinearWeight weight, Tensor output)
    {
        _addBias ??= cuda.Kernels.Get("add_bias.cu", "add_bias");
        cuda.Launch.Start(_addBias)
            .Add(output.Address).Add(weight.Bias.Address).Add(output.Columns)
            .Run(new Grid(output.Rows, Ceiling(output.Columns, BiasThreads)), BiasThreads);
    }

    private string WeightName(DType type) => type switch
    {
        DType.Int8 => "int8",
        DType.Float8 => "e4m3",
        _ when type == cuda.Element => cuda.ElementName,
        _ => throw new ArgumentException($"Linear: weights of {type}; this backend multiplies {cuda.Element}, Int8 or Float8."),
    };

    private static int Ceiling(int count, int size) => (count + size - 1) / size;
}
