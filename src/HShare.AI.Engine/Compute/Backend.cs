using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Compute;

/// <summary>
/// The one seam between model and hardware: a dozen coarse operations on preallocated tensors, executed in the order of the
/// calls. The CPU backend is the plain statement of what each means.
/// </summary>
/// <remarks>
/// <para>A backend knows nothing of requests, scheduling or chats. Operations never allocate; every tensor is allocated before the
/// first step and lives until <see cref="Dispose"/>. Activations are <c>[rows, columns]</c> of float32, or of
/// <see cref="ActivationType"/> where linear layers take them; an operation works on as many rows as its input has.</para>
/// <para>The result of a row depends on that row's sequence alone, not on what else is in the step. The CPU backend holds this bit for
/// bit, so that a request gives the same tokens alone and in any batch.</para>
/// <para>Not thread-safe: one thread calls it. Calls may return before the work is done; <see cref="Read"/> waits for it.</para>
/// </remarks>
public abstract class Backend : IDisposable
{
    /// <summary>Short name and hardware, for logs: "cpu (2 threads, AVX2)".</summary>
    public abstract string Description { get; }

    /// <summary>
    /// Element type of what linear layers take in (normed and activated rows, attention's output): float32, or the 16-bit type that the
    /// hardware multiplies.
    /// </summary>
    public abstract DType ActivationType { get; }

    /// <summary>Element types that a KV cache may have here, the usual one first.</summary>
    public abstract IReadOnlyList<DType> CacheTypes { get; }

    /// <summary>Bytes that a KV cache may take on this machine where nobody says how many.</summary>
    public abstract long MemoryForCache { get; }

    /// <summary>
    /// Whether operations take seconds at their first use (kernels are compiled), so that a first request should not be the one to wait.
    /// </summary>
    public virtual bool PreparesAtFirstUse => false;

    /// <summary>Makes sure, before weights are loaded, that heads of this shape can be computed.</summary>
    /// <exception cref="NotSupportedException">They cannot; the message says which can.</exception>
    public virtual void RequireAttention(AttentionShape shape)
    {
    }

    /// <summary>Allocates a matrix, zeroed, that lives as long as the backend.</summary>
    /// <exception cref="InsufficientMemoryException">The memory is not there; the message says how much was asked for.</exception>
    public abstract Tensor Allocate(DType type, int rows, int columns);

    /// <summary>Copies host values to the front of a tensor.</summary>
    public abstract void Write<T>(Tensor destination, ReadOnlySpan<T> source)
        where T : unmanaged;

    /// <summary>Waits for all work before it and copies the front of a tensor to the host.</summary>
    public abstract void Read<T>(Tensor source, Span<T> destination)
        where T : unmanaged;

    /// <summary>Prepares a linear layer from host matrices whose rows are concatenated (q, k, v into one; gate, up into one).</summary>
    /// <param name="parts">Host matrices [out_i, in] of float32, float16 or bfloat16.</param>
    /// <param name="biases">Host vectors [1, out_i], one per part, or empty for a layer without bias.</param>
    /// <param name="format">The format to keep them in.</param>
    public abstract LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format);

    /// <summary>Copies a host matrix of float32, float16 or bfloat16 as it is: the embedding table.</summary>
    public abstract Tensor LoadMatrix(Tensor host);

    /// <summary>Copies a host vector as float32: a norm's weight.</summary>
    public abstract Tensor LoadVector(Tensor host);

    /// <summary>
    /// Runs a step's operations. A backend may record them and, when a step of the same make-up comes again (as many rows and logits, the
    /// same groups of the same policies, no prompts), replay what it recorded: the operations' operands are the same tensors then, with
    /// other contents.
    /// </summary>
    /// <param name="step">The step that <paramref name="operations"/> compute.</param>
    /// <param name="operations">Calls this backend's operations, and nothing that depends on the contents of tensors.</param>
    public virtual void Execute(StepTensors step, Action operations) => operations();

    /// <summary>hidden[r] = embedding[tokenIds[r]].</summary>
    /// <param name="tokenIds">int32 [1, rows] or longer.</param>
    /// <param name="embedding">[vocabulary, hidden].</param>
    /// <param name="hidden">float32 [rows, hidden].</param>
    public abstract void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden);

    /// <summary>residual += delta; normed = residual / rms(residual) * weight, row by row.</summary>
    /// <param name="residual">float32 [rows, hidden], read and written.</param>
    /// <param name="delta">float32 [rows, hidden], or <see cref="Tensor.None"/> to add nothing.</param>
    /// <param name="weight">float32 [1, hidden].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="normed">[rows, hidden] of <see cref="ActivationType"/>.</param>
    public abstract void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed);

    /// <summary>output = input · Wᵀ + bias.</summary>
    /// <param name="input">[rows, in] of <see cref="ActivationType"/>.</param>
    /// <param name="weight">The layer.</param>
    /// <param name="output">float32 [rows, out].</param>
    public abstract void Linear(Tensor input, LinearWeight weight, Tensor output);

    /// <summary>
    /// Normalises (where the model does) and rotates queries and keys, leaves the queries in place and stores keys and values
    /// in the cache slots of <paramref name="step"/>.
    /// </summary>
    /// <param name="qkv">float32 [rows, (heads + 2 kv_heads) * head_dim]; the query part is overwritten.</param>
    /// <param name="step">Positions and slots of the rows.</param>
    /// <param name="rotary">Cosines and sines by position.</param>
    /// <param name="norms">Per-head norms before the rotation, or null.</param>
    /// <param name="shape">Heads.</param>
    /// <param name="cache">The layer's keys and values.</param>
    public abstract void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache);

    /// <summary>
    /// Causal attention of the step's prefill chunks (sequences from <see cref="StepTensors.DecodeCount"/> on) over the cache. Heads that
    /// keep proximal
    /// keys only (<see cref="KvLayer.Distant"/>) use their leader's keys, or scores, for distant tokens; leaders leave their queries for
    /// them.
    /// </summary>
    /// <param name="qkv">As left by <see cref="RotateAndStore"/>; the queries are the first heads * head_dim columns.</param>
    /// <param name="step">Rows, lengths and block tables.</param>
    /// <param name="shape">Heads and window.</param>
    /// <param name="cache">The layer's keys and values.</param>
    /// <param name="attended">
    /// [rows, heads * head_dim] of <see cref="ActivationType"/>; only the rows of these sequences are written.
    /// </param>
    /// <param name="massSequences">The prefill sequences whose attention is summed up.</param>
    /// <param name="mass">
    /// float32 [slots * kv_heads, tokens], or <see cref="Tensor.None"/>: the attention that each token gets from the rows is added to it
    /// (softmax by
    /// query head, mean over the group). Tokens from the first row on start at 0; a decode row finds its own there.
    /// </param>
    public abstract void AttendPrefill(
        Tensor qkv,
        StepTensors step,
        AttentionShape shape,
        KvLayer cache,
        Tensor attended,
        SequenceRange massSequences = default,
        Tensor mass = default);

    /// <summary>Attention of one query for each of some decode <paramref name="sequences"/> over all its cached tokens.</summary>
    /// <inheritdoc cref="AttendPrefill"/>
    public abstract void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass = default);

    /// <summary>
    /// Attention of one query for each of some decode <paramref name="sequences"/> over sinks, <paramref name="selected"/> tokens and
    /// window.
    /// </summary>
    /// <inheritdoc cref="AttendDecode"/>
    public abstract void AttendSelected(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens selected,
        Tensor attended,
        Tensor mass = default);

    /// <summary>
    /// Chooses the critical tokens of some sequences: importance of each candidate between sinks and window for the sequence's last row,
    /// pooled over
    /// the group; the best, ascending, each once. Sequences whose <see cref="StepTensors.RefreshMask"/> is 0 and heads that do not ask keep
    /// theirs.
    /// </summary>
    /// <param name="qkv">As left by <see cref="RotateAndStore"/>.</param>
    /// <param name="step">Rows, lengths, windows and counts.</param>
    /// <param name="sequences">Which sequences; prefill sequences too.</param>
    /// <param name="shape">Heads and window.</param>
    /// <param name="cache">The layer's keys and what is kept beside them for this.</param>
    /// <param name="retrieval">How.</param>
    public abstract void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval);

    /// <summary>activated = silu(gate) * up.</summary>
    /// <param name="gateUp">float32 [rows, 2 * intermediate]: gate, then up.</param>
    /// <param name="activated">[rows, intermediate] of <see cref="ActivationType"/>.</param>
    public abstract void SwiGlu(Tensor gateUp, Tensor activated);

    /// <summary>
    /// activated = silu(gate) * up, where gate and up are the halves of input · Wᵀ: <see cref="Linear"/> and <see cref="SwiGlu"/> in one,
    /// where a backend can do better than both.
    /// </summary>
    /// <param name="input">[rows, in] of <see cref="ActivationType"/>.</param>
    /// <param name="gateUp">The layer, of 2 * intermediate features: gate, then up.</param>
    /// <param name="working">float32 [rows, 2 * intermediate]: what may be written on the way.</param>
    /// <param name="activated">[rows, intermediate] of <see cref="ActivationType"/>.</param>
    public virtual void LinearSwiGlu(Tensor input, LinearWeight gateUp, Tensor working, Tensor activated)
    {
        Linear(input, gateUp, working);
        SwiGlu(working, activated);
    }

    /// <summary>logits[i] = hidden[LogitRows[i]] · Wᵀ for the step's <see cref="StepTensors.LogitCount"/> rows.</summary>
    /// <param name="hidden">[rows, hidden] of <see cref="ActivationType"/>, normed.</param>
    /// <param name="step">Which rows.</param>
    /// <param name="head">The output projection.</param>
    /// <param name="logits">float32 [logits, vocabulary].</param>
    public abstract void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits);

    /// <summary>Chooses one token for each row of logits.</summary>
    /// <param name="logits">float32 [rows, vocabulary]; may be overwritten.</param>
    /// <param name="rows">How to sample each row.</param>
    /// <param name="tokenIds">
    /// Receives the chosen ids, <see cref="Sampler.NoToken"/> for a row whose logits hold no number; the call waits for them.
    /// </param>
    public abstract void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds);

    /// <summary>Frees everything that was allocated.</summary>
    public abstract void Dispose();
}
