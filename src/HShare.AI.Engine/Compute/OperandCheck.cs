using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute;

/// <summary>Operands' types and shapes are checked before an operation touches memory: a wrong one is an exception, never a wild read.</summary>
internal static class OperandCheck
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
        Matrix(operation, "qkv", qkv, DType.Float32, step.RowCount, shape.QkvColumns);
        if (cache.Values.Type != DType.Float8)
            FloatingPoint(operation, "cache", cache.Values);
        int blockColumns = cache.BlockSize * shape.HeadDim, keeping = shape.KvHeads;
        if (cache.Distant is { } distant)
        {
            int followers = distant.FollowerCount;
            keeping -= followers;
            if (followers > 0)
            {
                Matrix(
                    operation,
                        "proximal keys", distant.ProximalKeys, cache.Values.Type, distant.ProximalKeys.Rows, followers * blockColumns);
            }

            if (step.ProximalTables.IsNone)
                throw new ArgumentException($"{operation}: heads keep proximal keys only, but the step has no blocks for them.");
        }

        if (keeping > 0)
            Matrix(operation, "cached keys", cache.Keys, cache.Values.Type, cache.Values.Rows, keeping * blockColumns);
        Matrix(operation, "cached values", cache.Values, cache.Values.Type, cache.Values.Rows, shape.KvHeads * blockColumns);
    }

    /// <summary>There is a list of chosen tokens for each KV head.</summary>
    public static void Selection(string operation, AttentionShape shape, SelectedTokens selected)
    {
        Matrix(operation, "selected tokens", selected.Indices, DType.Int32, selected.Indices.Rows, selected.Indices.Columns);
        for (int head = 0; head < shape.KvHeads; head++)
        {
            if (selected.Sources.Count != shape.KvHeads || (uint)selected.Sources[head] >= (uint)selected.Units)
                throw new ArgumentException($"{operation}: the {shape.KvHeads} KV heads do not each have one of {selected.Units} lists.");
        }
    }

    /// <summary>What a retriever reads is there.</summary>
    public static void Retrieval(StepTensors step, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        const string Operation = "Retrieve";
        int tokens = step.BlockTables.Columns * cache.BlockSize, keeping = cache.Keys.IsNone ? 0 : cache.Keys.Columns / (
            cache.BlockSize * shape.HeadDim);
        for (int head = 0; head < shape.KvHeads; head++)
        {
            if (retrieval.Asks[head] && cache.Distant is { } distant && distant.IsFollower(head))
                throw new ArgumentException($"{Operation}: KV head {head} keeps no distant keys to choose by; it can only share.");
        }

        switch (retrieval.Retriever)
        {
            case Retriever.Accumulated:
                Matrix(Operation, "attention mass", retrieval.Mass, DType.Float32, retrieval.Mass.Rows, tokens);
                return;
            case Retriever.PageBounds:
                int pages = cache.BlockSize / KvLayer.PageSize;
                Matrix(Operation, "page bounds", cache.PageBounds, cache.Keys.Type, cache.Keys.Rows, keeping * pages * 2 * shape.HeadDim);
                break;
            case Retriever.LabelChannels:
                Matrix(Operation, "label channels", cache.LabelChannels, DType.Int32, shape.KvHeads, cache.LabelChannels.Columns);
                Matrix(
                    Operation,
                        "labels", cache.Labels, cache.Keys.Type, cache.Keys.Rows, keeping * cache.BlockSize * cache.LabelChannels.Columns);
                break;
            case Retriever.Exact:
                break;
            default:
                throw new ArgumentException($"{Operation}: {retrieval.Retriever} chooses nothing.");
        }

        Matrix(Operation, "scores", retrieval.Scores, DType.Float32, step.BlockTables.Rows * shape.KvHeads, tokens);
    }

    private static ArgumentException Mismatch(string operation, string name, Tensor tensor, string expected) =>
        new($"{operation}: {name} is {tensor.Describe()}, but must be {expected}.");
}
