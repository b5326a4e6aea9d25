using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>Where the host matrices of a model come from.</summary>
internal interface IWeightSource
{
    /// <summary>A tensor in host memory, readable until the source is disposed.</summary>
    Tensor Get(TensorSpec spec);
}

/// <summary>Brings weights from a source to a backend, tensor by tensor, fusing q, k, v and gate, up.</summary>
internal sealed class WeightLoader
{
    private readonly CheckpointLayout _layout;
    private readonly IWeightSource _source;
    private readonly Backend _backend;
    private readonly WeightFormat _format;
    private readonly IProgress<LoadProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly long _totalBytes;
    private long _bytesRead;

    public WeightLoader(
        CheckpointLayout layout,
        IWeightSource source,
        Backend backend,
        WeightFormat format,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken)
    {
        _layout = layout;
        _source = source;
        _backend = backend;
        _format = format;
        _progress = progress;
        _cancellationToken = cancellationToken;
        _totalBytes = layout.Tensors.Sum(spec => source.Get(spec).ByteCount);
    }

    /// <summary>Loads all weights.</summary>
    /// <param name="normEpsilon">Epsilon of the norms.</param>
    public TransformerWeights Load(float normEpsilon)
    {
        _progress?.Report(new LoadProgress(0, _totalBytes));
        _cancellationToken.ThrowIfCancellationRequested();
        Tensor embedding = _backend.LoadMatrix(_source.Get(_layout.Embedding));
        Report(_layout.Embedding);
        List<LayerWeights> layers = [.. _layout.Layers.Select(layer => LoadLayer(layer, normEpsilon))];
        Tensor finalNorm = LoadVector(_layout.FinalNorm);
        LinearWeight head = _layout.Head is { } untied
            ? LoadLinear(untied)
            : _backend.LoadLinear([_source.Get(_layout.Embedding)], [], _format);
        return new TransformerWeights(embedding, layers, finalNorm, head);
    }

    private LayerWeights LoadLayer(LayerSpec layer, float normEpsilon) => new(
        LoadVector(layer.AttentionNorm),
        LoadLinear(layer.Qkv),
        layer is { QueryNorm: { } query, KeyNorm: { } key } ? new HeadNorms(LoadVector(query), LoadVector(key), normEpsilon) : null,
        LoadLinear(layer.Output),
        LoadVector(layer.FeedForwardNorm),
        LoadLinear(layer.GateUp),
        LoadLinear(layer.Down));

    private LinearWeight LoadLinear(LinearSpec spec)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        LinearWeight weight = _backend.LoadLinear([.. spec.Parts.Select(_source.Get)], [.. spec.Biases.Select(_source.Get)], _format);
        Report([.. spec.Tensors]);
        return weight;
    }

    private Tensor LoadVector(TensorSpec spec)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        Tensor vector = _backend.LoadVector(_source.Get(spec));
        Report(spec);
        return vector;
    }

    private void Report(params ReadOnlySpan<TensorSpec> loaded)
    {
        foreach (TensorSpec spec in loaded)
            _bytesRead += _source.Get(spec).ByteCount;
        _progress?.Report(new LoadProgress(_bytesRead, _totalBytes));
    }
}
