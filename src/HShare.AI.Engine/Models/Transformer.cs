using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>
/// The forward pass of a pre-norm decoder (Llama, Mistral, Qwen2, Qwen3): one loop over the layers, the same on every backend.
/// </summary>
public sealed class Transformer
{
    private readonly Backend _backend;
    private readonly ModelConfig _config;
    private readonly TransformerWeights _weights;
    private readonly RotaryTable _rotary;
    private readonly AttentionShape[] _shapes; // [layers]
    private readonly Tensor _residual;         // [max_rows, hidden]
    private readonly Tensor _normed;           // [max_rows, hidden]
    private readonly Tensor _qkv;              // [max_rows, (heads + 2 kv_heads) * head_dim]
    private readonly Tensor _attended;         // [max_rows, heads * head_dim]
    private readonly Tensor _gateUp;           // [max_rows, 2 * intermediate]
    private readonly Tensor _activated;        // [max_rows, intermediate]
    private readonly Tensor _delta;            // [max_rows, hidden]: what a sublayer adds to the residual
    private readonly Action _operations;       // of the step below, kept so that a step does not allocate
    private StepTensors? _step;
    private KvCache? _cache;
    private Tensor _logits;

    /// <summary>Allocates the activations of the largest step.</summary>
    /// <param name="backend">Where the weights are.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="rotary">Rotary angles for every position that will occur.</param>
    /// <param name="maxRows">Most rows of a step.</param>
    public Transformer(Backend backend, ModelConfig config, TransformerWeights weights, RotaryTable rotary, int maxRows)
    {
        _backend = backend;
        _config = config;
        _weights = weights;
        _rotary = rotary;
        _shapes = [.. config.SlidingWindows.Select(window =>
            new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadDim, window))];
        _residual = backend.Allocate(DType.Float32, maxRows, config.HiddenSize);
        _normed = backend.Allocate(backend.ActivationType, maxRows, config.HiddenSize);
        _qkv = backend.Allocate(DType.Float32, maxRows, _shapes[0].QkvColumns);
        _attended = backend.Allocate(backend.ActivationType, maxRows, config.HeadCount * config.HeadDim);
        _gateUp = backend.Allocate(DType.Float32, maxRows, 2 * config.IntermediateSize);
        _activated = backend.Allocate(backend.ActivationType, maxRows, config.IntermediateSize);
        _delta = backend.Allocate(DType.Float32, maxRows, config.HiddenSize);
        _operations = () => Compute(_step!, _cache!, _logits);
    }

    /// <summary>
    /// Called behind each layer's attention with the layer and its rotated queries and keys [rows, (heads + 2 kv_heads) * head_dim], for
    /// those who
    /// measure attention; null = nobody.
    /// </summary>
    public Action<int, Tensor>? LayerAttended { get; set; }

    /// <summary>Runs one step: stores the rows' keys and values and computes the wanted logits.</summary>
    /// <param name="step">The rows.</param>
    /// <param name="cache">Keys and values of all sequences of the step.</param>
    /// <param name="logits">float32 [at least step.LogitCount, vocabulary]; row i belongs to step.LogitRows[i].</param>
    public void Forward(StepTensors step, KvCache cache, Tensor logits)
    {
        (_step, _cache, _logits) = (step, cache, logits);
        if (LayerAttended is null)
            _backend.Execute(step, _operations);
        else
            _operations(); // whoever looks on is told at every step
    }

    private void Compute(StepTensors step, KvCache cache, Tensor logits)
    {
        int rows = step.RowCount;
        Tensor residual = _residual.Take(rows), normed = _normed.Take(rows), delta = _delta.Take(rows);
        Tensor qkv = _qkv.Take(rows), attended = _attended.Take(rows);
        Tensor gateUp = _gateUp.Take(rows), activated = _activated.Take(rows);
        float epsilon = _config.NormEpsilon;

        _backend.Embed(step.TokenIds, _weights.Embedding, residual);
        for (int i = 0; i < _weights.Layers.Count; i++)
        {
            LayerWeights layer = _weights.Layers[i];
            _backend.AddRmsNorm(residual, i == 0 ? Tensor.None : delta, layer.AttentionNorm, epsilon, normed);
            _backend.Linear(normed, layer.Qkv, qkv);
            _backend.RotateAndStore(qkv, step, _rotary, layer.HeadNorms, _shapes[i], cache[i]);
            Attend(i, qkv, step, cache[i], attended);
            LayerAttended?.Invoke(i, qkv);
            _backend.Linear(attended, layer.Output, delta);
            _backend.AddRmsNorm(residual, delta, layer.FeedForwardNorm, epsilon, normed);
            _backend.LinearSwiGlu(normed, layer.GateUp, gateUp, activated);
            _backend.Linear(activated, layer.Down, delta);
        }

        if (step.LogitCount > 0)
        {
            _backend.AddRmsNorm(residual, delta, _weights.FinalNorm, epsilon, normed);
            _backend.Logits(normed, step, _weights.Head, logits.Take(step.LogitCount));
        }
    }

    // Which rows read what is decided here and nowhere else: the step's groups say it, layer by layer; a backend only executes.
    private void Attend(int layer, Tensor qkv, StepTensors step, KvLayer cache, Tensor attended)
    {
        AttentionShape shape = _shapes[layer];
        SequenceRange accumulating = default;
        Tensor prefillMass = Tensor.None;
        foreach (AttentionGroup group in step.Groups)
        {
            LayerReading reading = group.Layers[layer];
            if (group.Refreshes && reading.Retrieval is { } retrieval)
                _backend.Retrieve(qkv, step, group.Sequences, shape, cache, retrieval);
            if (group.Sequences.First >= step.DecodeCount)
                (accumulating, prefillMass) = reading.Mass.IsNone ? (accumulating, prefillMass) : (group.Sequences, reading.Mass);
            else if (group.Reads && reading.Selected is { } selected)
                _backend.AttendSelected(qkv, step, group.Sequences, shape, cache, selected, attended, MassOf(group, reading));
            else
                _backend.AttendDecode(qkv, step, group.Sequences, shape, cache, attended, MassOf(group, reading));
        }

        if (step.DecodeCount > 0 && step.Groups.Count == 0)
            _backend.AttendDecode(qkv, step, new SequenceRange(0, step.DecodeCount), shape, cache, attended);
        if (step.DecodeCount < step.SequenceCount)
            _backend.AttendPrefill(qkv, step, shape, cache, attended, accumulating, prefillMass);
    }

    private static Tensor MassOf(AttentionGroup group, LayerReading reading) => group.ReadsMass.IsNone ? reading.Mass : group.ReadsMass;
}
