using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Operands are checked before an operation touches memory: a wrong shape is an exception, never a wild read.</summary>
internal static unsafe class OperandCheck
{
    /// <summary>A tensor as messages show it: "float32 [3, 64]".</summary>
    public static string Describe(this Tensor tensor) => tensor.IsNone
        ? "no tensor"
        : $"{tensor.Type.ToString().ToLowerInvariant()} [{tensor.Rows}, {tensor.Columns}]";

    /// <summary>The tensor has exactly this type and shape.</summary>
    public static void Matrix(string operation, string name, Tensor tensor, DType type, int rows, int columns)
    {
        if (tensor.IsNone || tensor.Type != type || tensor.Rows != rows || tensor.Columns != columns)
            throw Mismatch(operation, name, tensor, $"{type.ToString().ToLowerInvariant()} [{rows}, {columns}]");
    }

    /// <summary>The tensor is a vector with at least so many elements.</summary>
    public static void AtLeast(string operation, string name, Tensor tensor, DType type, int count)
    {
        if (tensor.IsNone || tensor.Type != type || (long)tensor.Rows * tensor.Columns < count)
            throw Mismatch(operation, name, tensor, $"{type.ToString().ToLowerInvariant()} with {count} elements or more");
    }

    /// <summary>The tensor holds float32, float16 or bfloat16.</summary>
    public static void FloatingPoint(string operation, string name, Tensor tensor)
    {
        if (tensor.IsNone || tensor.Type is not (DType.Float32 or DType.Float16 or DType.BFloat16))
            throw Mismatch(operation, name, tensor, "float32, float16 or bfloat16");
    }

    /// <summary>Matrices to concatenate agree in type and columns, and each bias belongs to its matrix.</summary>
    public static void LinearParts(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases)
    {
        const string Operation = "LoadLinear";
        if (parts.IsEmpty)
            throw new ArgumentException($"{Operation}: there is no matrix to load.");
        if (!biases.IsEmpty && biases.Length != parts.Length)
            throw new ArgumentException($"{Operation}: {parts.Length} matrices have {biases.Length} biases.");
        for (int i = 0; i < parts.Length; i++)
        {
            FloatingPoint(Operation, $"part {i}", parts[i]);
            Matrix(Operation, $"part {i}", parts[i], parts[0].Type, parts[i].Rows, parts[0].Columns);
            if (biases.IsEmpty)
                continue;
            FloatingPoint(Operation, $"bias {i}", biases[i]);
            Matrix(Operation, $"bias {i}", biases[i], biases[i].Type, 1, parts[i].Rows);
        }
    }

    /// <summary>Projection, step and cache fit the shape of the attention.</summary>
    public static void Attention(string operation, Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache)
    {
        if (shape.Heads <= 0 || shape.KvHeads <= 0 || shape.Heads % shape.KvHeads != 0 || shape.HeadDim <= 0 || shape.HeadDim % 2 != 0)
            throw new ArgumentException($"{operation}: {shape} is not a shape of attention.");
        if (shape.GroupSize > OnlineAttention.MaxRows)
            throw new ArgumentException($"{operation}: {shape.GroupSize} heads share a KV head; at most {OnlineAttention.MaxRows} can.");
        Matrix(operation, "qkv", qkv, DType.Float32, step.RowCount, shape.QkvColumns);
        FloatingPoint(operation, "cache", cache.Keys);
        Matrix(operation, "cached keys", cache.Keys, cache.Keys.Type, cache.Keys.Rows, shape.KvHeads * cache.BlockSize * shape.HeadDim);
        Matrix(operation, "cached values", cache.Values, cache.Keys.Type, cache.Keys.Rows, cache.Keys.Columns);
    }

    /// <summary>Rows, positions, context lengths and blocks of some sequences lie inside the step and the cache.</summary>
    public static void Sequences(string operation, StepTensors step, int first, int end, KvLayer cache)
    {
        int* starts = (int*)step.RowStarts.Address, positions = (int*)step.Positions.Address;
        int* lengths = (int*)step.ContextLengths.Address;
        for (int i = first; i < end; i++)
        {
            int start = starts[i], stop = starts[i + 1], length = lengths[i];
            if (start < 0 || stop <= start || stop > step.RowCount || (i < step.DecodeCount && stop != start + 1))
                throw new ArgumentException($"{operation}: rows {start} to {stop} of sequence {i} are not in a step of {step.RowCount}.");
            if (length > (long)step.BlockTables.Columns * cache.BlockSize)
                throw new ArgumentException($"{operation}: sequence {i} has {length} tokens, more than its block table covers.");
            for (int row = start; row < stop; row++)
            {
                if (positions[row] != positions[start] + row - start || positions[row] < 0 || positions[row] >= length)
                    throw new ArgumentException($"{operation}: row {row} of sequence {i} is at position {positions[row]} of {length}.");
            }

            int* table = (int*)step.BlockTables.Slice(i, 1).Address;
            for (int block = 0; block < (length + cache.BlockSize - 1) / cache.BlockSize; block++)
            {
                if ((uint)table[block] >= (uint)cache.Keys.Rows)
                    throw new ArgumentException($"{operation}: block {table[block]} of sequence {i} is not one of {cache.Keys.Rows}.");
            }
        }
    }

    private static ArgumentException Mismatch(string operation, string name, Tensor tensor, string expected) =>
        new($"{operation}: {name} is {tensor.Describe()}, but must be {expected}.");
}
