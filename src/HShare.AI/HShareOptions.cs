using HShare.AI.Cuda;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI;

/// <summary>
/// Which model an <see cref="HShareChatClient"/> serves, on what, and within which limits. The defaults serve the bundled model.
/// </summary>
public sealed class HShareOptions
{
    /// <summary>
    /// Folder of the model as downloaded from a hub: config.json, tokenizer.json, a chat template and safetensors files.
    /// Null = the bundled model (<see cref="BundledModel"/>). A relative path starts at the current directory.
    /// </summary>
    public string? ModelPath { get; set; }

    /// <summary>How the model is called in metadata, responses and <c>ChatOptions.ModelId</c>; null = the name of its folder.</summary>
    public string? ModelId { get; set; }

    /// <summary>What the model runs on.</summary>
    public HShareBackend Backend { get; set; } = HShareBackend.Auto;

    /// <summary>Threads of the CPU backend; null = one for each core.</summary>
    public int? Threads { get; set; }

    /// <summary>Which NVIDIA GPU, where there are several; the driver counts them from 0.</summary>
    public int GpuIndex { get; set; }

    /// <summary>
    /// Folder with the CUDA libraries NVRTC and cuBLASLt, looked at before the usual places; null = the usual places (docs/cuda.md).
    /// </summary>
    public string? CudaLibraryPath { get; set; }

    /// <summary>How the matrices are kept: as stored, in bfloat16, or in 8 bits, made at load.</summary>
    public WeightFormat WeightFormat { get; set; } = WeightFormat.AsStored;

    /// <summary>How keys and values are kept.</summary>
    public KvCacheFormat KvCacheFormat { get; set; } = KvCacheFormat.Auto;

    /// <summary>
    /// Most tokens of a conversation, prompt and answer together; null = the model's context length, or what the KV cache holds where that
    /// is less.
    /// </summary>
    public int? MaxContext { get; set; }

    /// <summary>Most requests that are answered side by side.</summary>
    public int MaxBatch { get; set; } = 16;

    /// <summary>
    /// Most tokens of one step of the engine: one for each answer in progress, the rest for reading prompts.
    /// Smaller = smoother streaming while somebody else's long prompt is read. At least <see cref="MaxBatch"/>.
    /// </summary>
    public int MaxStepRows { get; set; } = 512;

    /// <summary>
    /// Memory of the KV cache in mebibytes (1,048,576 bytes); null = room for <see cref="MaxBatch"/> full contexts, but at most a quarter
    /// of the memory available (on a GPU: what it has free, less some).
    /// </summary>
    public int? KvCacheMegabytes { get; set; }

    /// <summary>
    /// Most requests that wait while <see cref="MaxBatch"/> run; one more is refused with <see cref="Engine.QueueFullException"/>.
    /// </summary>
    public int QueueLength { get; set; } = 64;

    /// <summary>Longest time of a request from its submission to its last token; null = no limit.</summary>
    public TimeSpan? RequestTimeLimit { get; set; }

    /// <summary>
    /// Who may reuse whose prompts in the cache. Under <see cref="PrefixSharing.PerKey"/> requests with the same
    /// <see cref="GenerationOptions.CacheKey"/> share, and requests without one share with none.
    /// </summary>
    public PrefixSharing PrefixSharing { get; set; } = PrefixSharing.Shared;

    /// <summary>
    /// How answers attend to the cached tokens, unless a request says it: a preset's text such as <c>full</c>, <c>quest:budget=1024</c> or
    /// <c>hshare:1/2-1-1/4,budget=512</c> (<see cref="AttentionPreset.Parse"/>; docs/attention.md). Null = what the calibration in the
    /// model's folder
    /// recommends, and full attention where there is none. A preset with pod fixes what the cache stores, for every request. Prompts are
    /// read with full
    /// attention in any case.
    /// </summary>
    public string? Attention { get; set; }

    /// <summary>
    /// Other presets that requests may ask for: what they need is kept beside the keys. One that needs no more than these and
    /// <see cref="Attention"/> do can be asked for without being named here.
    /// </summary>
    public IList<string> AttentionPresets { get; set; } = [];

    /// <summary>
    /// Whether requests may ask which tokens their answer attended to (<see cref="GenerationOptions.AttentionReads"/>): it takes some
    /// memory, and of such a
    /// request some time.
    /// </summary>
    public bool TracksAttention { get; set; }

    /// <summary>How the model writes function calls; usually its chat template tells.</summary>
    public ToolCallFormat ToolCallFormat { get; set; } = ToolCallFormat.Auto;

    /// <summary>
    /// How long the host's shutdown lets running and waiting requests finish; what is left then ends with
    /// <see cref="Engine.EngineStoppedException"/>. The host's own <c>ShutdownTimeout</c> (30 s by default) should be longer.
    /// </summary>
    public TimeSpan DrainLimit { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The GPU that these options name.</summary>
    internal CudaOptions ToCudaOptions() => new()
    {
        DeviceIndex = GpuIndex,
        LibraryPaths = CudaLibraryPath is null ? [] : [CudaLibraryPath],
    };

    /// <summary>The id that these options give the model, known before it is loaded.</summary>
    internal string EffectiveModelId => ModelId
        ?? (ModelPath is null ? BundledModel.Name : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(ModelPath))));

    /// <summary>The engine's options for a model.</summary>
    /// <param name="recommended">The attention preset for a model whose options name none.</param>
    internal EngineOptions ToEngineOptions(Func<AttentionPreset> recommended) => new()
    {
        Attention = Attention is null ? recommended() : AttentionPreset.Parse(Attention),
        AttentionPresets = [.. AttentionPresets.Select(AttentionPreset.Parse)],
        TracksReads = TracksAttention,
        MaxContext = MaxContext,
        MaxBatch = MaxBatch,
        MaxStepRows = MaxStepRows,
        KvCacheBytes = KvCacheMegabytes * 1024L * 1024L,
        KvCacheType = KvCacheFormat switch
        {
            KvCacheFormat.Float32 => DType.Float32,
            KvCacheFormat.Float16 => DType.Float16,
            KvCacheFormat.BFloat16 => DType.BFloat16,
            KvCacheFormat.Float8 => DType.Float8,
            _ => null,
        },
        QueueLength = QueueLength,
        RequestTimeLimit = RequestTimeLimit,
        PrefixSharing = PrefixSharing,
    };
}
