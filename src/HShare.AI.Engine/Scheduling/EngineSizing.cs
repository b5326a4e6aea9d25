using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Scheduling;

/// <summary>What an engine's options come to for one model on one machine.</summary>
/// <param name="Options">The options with every default filled in.</param>
/// <param name="Cache">Sizes of the KV cache.</param>
/// <param name="LimitedBy">What limits a sequence's length, as an error message calls it.</param>
internal sealed record EngineSizing(EngineOptions Options, KvCacheShape Cache, string LimitedBy)
{
    /// <summary>Most tokens of a sequence, prompt and output together.</summary>
    public int MaxTokens => Options.MaxContext!.Value;

    /// <summary>Most cache blocks of one sequence.</summary>
    public int MaxBlocksPerSequence => BlocksFor(MaxTokens, Options.BlockSize);

    /// <summary>Fills in the defaults of options that are valid.</summary>
    /// <param name="options">As the user set them.</param>
    /// <param name="model">The architecture.</param>
    /// <param name="memory">Bytes that the cache, and what attention keeps beside it, may take where the options do not say it.</param>
    /// <param name="needs">What attention keeps beside keys and values, or does not keep of them; null = plain attention.</param>
    /// <param name="labelChannels">[layers * kv_heads][channels]: the channels kept as labels; null = none.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the KV cache asked for is too small.</exception>
    /// <exception cref="InsufficientMemoryException">The memory does not hold the context asked for.</exception>
    public static EngineSizing Resolve(
        EngineOptions options,
        ModelConfig model,
        long memory,
        AttentionNeeds? needs = null,
        IReadOnlyList<IReadOnlyList<int>>? labelChannels = null)
    {
        DType type = options.KvCacheType ?? DType.Float32;
        KvCacheShape shape = new(model.LayerCount, model.KvHeadCount, model.HeadDim, options.BlockSize, 0, type)
        {
            KeySharing = needs?.KeySharing,
            HasPageBounds = needs?.Retrievers.Contains(Retriever.PageBounds) == true,
            LabelChannels = labelChannels ?? [],
            ProximalBlockCount = ProximalBlocksFor(needs?.KeySharing, options),
        };
        int context = options.MaxContext ?? model.ContextLength;
        long blockBytes = shape.BlockBytes;
        long proximalBytes = shape.ByteCount; // with no other blocks
        long fullContext = BlocksFor(context, options.BlockSize) * blockBytes + proximalBytes;
        long buffers = needs is null
            ? 0
            : AttentionBuffers.ByteCount(shape, needs, model.HeadCount, options.MaxStepRows, options.MaxBatch, context);
        long bytes = options.KvCacheBytes
            ?? Math.Min(options.MaxBatch * (fullContext - proximalBytes) + proximalBytes, Math.Max(0, memory - buffers));

        // Slots (block number times block size plus offset) are 32-bit integers.
        int blocks = (int)Math.Clamp((bytes - proximalBytes) / blockBytes, 0, int.MaxValue / options.BlockSize);
        if (blocks == 0 || (bytes < fullContext && options.MaxContext is not null))
            throw TooSmall(options, shape, context, fullContext, bytes);

        int capacity = blocks * options.BlockSize;
        return new EngineSizing(
            options with { MaxContext = Math.Min(context, capacity), KvCacheBytes = blocks * blockBytes + proximalBytes },
            shape with { BlockCount = blocks },
            capacity < context ? "the KV cache" : "the context");
    }

    // Proximal keys never run out: room for every sequence, for the chunks of a step, and as much again for what may be found later.
    private static int ProximalBlocksFor(KeySharing? sharing, EngineOptions options) => sharing is null
        ? 0
        : 2 * options.MaxBatch * sharing.BlocksPerSequence(
            options.BlockSize) + BlocksFor(options.MaxStepRows, options.BlockSize) + options.MaxBatch;

    private static int BlocksFor(int tokens, int blockSize) => (tokens + blockSize - 1) / blockSize;

    private static Exception TooSmall(EngineOptions options, KvCacheShape shape, int context, long needed, long bytes)
    {
        string need = $"A context of {context} tokens needs {needed} bytes of KV cache ({shape.BytesPerToken} a token in {shape.Type})";
        return options.KvCacheBytes is not null
            ? new ArgumentException($"{need}, but KvCacheBytes is {bytes}. Raise KvCacheBytes or lower MaxContext.", nameof(options))
            : new InsufficientMemoryException(
                $"{need}, but the memory for it is {bytes} bytes. "
                + "Lower MaxContext, choose a smaller KvCacheType, or set KvCacheBytes.");
    }
}
