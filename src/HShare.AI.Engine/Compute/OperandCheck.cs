using System.Runtime.CompilerServices;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute;

/// <summary>
/// Operands' types and shapes are checked before an operation touches memory: a wrong one is an exception, never a wild read.
/// </summary>
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

    /// <summary>The operands of <see cref="Backend.Embed"/> fit.</summary>
    public static void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden)
    {
        FloatingPoint("Embed", "embedding", embedding);
        Matrix("Embed", "hidden", hidden, DType.Float32, hidden.Rows, embedding.Columns);
        AtLeast("Embed", "tokenIds", tokenIds, DType.Int32, hidden.Rows);
    }

    /// <summary>The operands of <see cref="Backend.AddRmsNorm"/> fit.</summary>
    public static void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, Tensor normed, DType activation)
    {
        Matrix("AddRmsNorm", "residual", residual, DType.Float32, residual.Rows, residual.Columns);
        if (!delta.IsNone)
            Matrix("AddRmsNorm", "delta", delta, DType.Float32, residual.Rows, residual.Columns);
        Matrix("AddRmsNorm", "weight", weight, DType.Float32, 1, residual.Columns);
        Matrix("AddRmsNorm", "normed", normed, activation, residual.Rows, residual.Columns);
    }

    /// <summary>The operands of <see cref="Backend.Linear"/> fit.</summary>
    public static void Linear(Tensor input, LinearWeight weight, Tensor output, DType activation)
    {
        Matrix("Linear", "input", input, activation, input.Rows, weight.InFeatures);
        Matrix("Linear", "output", output, DType.Float32, input.Rows, weight.OutFeatures);
    }

    /// <summary>The rotary table and the norms of heads fit the shape of the attention.</summary>
    public static void Rotation(RotaryTable rotary, HeadNorms? norms, AttentionShape shape)
    {
        const string Operation = "RotateAndStore";
        Matrix(Operation, "rotary cosines", rotary.Cosines, DType.Float32, rotary.Cosines.Rows, shape.HeadDim / 2);
        Matrix(Operation, "rotary sines", rotary.Sines, DType.Float32, rotary.Cosines.Rows, shape.HeadDim / 2);
        if (norms is null)
            return;
        Matrix(Operation, "query norm", norms.Query, DType.Float32, 1, shape.HeadDim);
        Matrix(Operation, "key norm", norms.Key, DType.Float32, 1, shape.HeadDim);
    }

    /// <summary>The operands of <see cref="Backend.SwiGlu"/> fit.</summary>
    public static void SwiGlu(Tensor gateUp, Tensor activated, DType activation)
    {
        Matrix("SwiGlu", "gateUp", gateUp, DType.Float32, activated.Rows, 2 * activated.Columns);
        Matrix("SwiGlu", "activated", activated, activation, activated.Rows, activated.Columns);
    }

    /// <summary>The operands of <see cref="Backend.Logits"/> fit.</summary>
    public static void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits, DType activation)
    {
        Matrix("Logits", "hidden", hidden, activation, hidden.Rows, head.InFeatures);
        Matrix("Logits", "logits", logits, DType.Float32, step.LogitCount, head.OutFeatures);
    }

    /// <summary>The operands of <see cref="Backend.Sample"/> fit.</summary>
    public static void Sample(Tensor logits, int rows, int room)
    {
        Matrix("Sample", "logits", logits, DType.Float32, rows, logits.Columns);
        if (room < rows)
            throw new ArgumentException($"Sample: {rows} rows, but room for {room} token ids.");
    }

    /// <summary>Values to write, or to read into, are no more than the tensor's.</summary>
    public static void Copy<T>(string operation, Tensor tensor, int count)
        where T : unmanaged
    {
        if (count * (long)Unsafe.SizeOf<T>() > tensor.ByteCount)
            throw new ArgumentException($"{operation}: {count} x {Unsafe.SizeOf<T>()} bytes are more than {tensor.Describe()} has.");
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
