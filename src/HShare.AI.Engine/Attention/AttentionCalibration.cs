using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// What some texts have taught about a model's attention: how alike its layers and heads are. Sharing plans are made from it. It is kept as
/// <see cref="FileName"/> in the model's folder. A unit is a KV head of a layer: unit = layer * kv_heads + head.
/// </summary>
public sealed record AttentionCalibration
{
    /// <summary>Name of the file in a model folder.</summary>
    public const string FileName = "attention.json";

    private static readonly string[] Keys =
    [
        "fingerprint", "layers", "kvHeads", "headDim", "criticalTokens", "recommended",
        "layerOverlap", "headOverlap", "recovery", "podSimilarity", "labelChannels",
    ];

    /// <summary>Which model it is of (<see cref="ModelFingerprint"/>).</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int Layers { get; init; }

    /// <summary>KV heads of a layer.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Elements of a head's key.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Critical tokens k that each unit chose at a step; their mean where the budget was a share of the context.</summary>
    public required int CriticalTokens { get; init; }

    /// <summary>
    /// [layers][layers]: share of the k critical tokens that head h of one layer and head h of the other have in common, averaged over
    /// heads and steps (HShare, equation 3). Symmetric, 1 on the diagonal.
    /// </summary>
    public required IReadOnlyList<float[]> LayerOverlap { get; init; }

    /// <summary>
    /// [layers][kv_heads][kv_heads]: share of the k critical tokens that two heads of a layer have in common, averaged over steps.
    /// Symmetric.
    /// </summary>
    public required IReadOnlyList<IReadOnlyList<float[]>> HeadOverlap { get; init; }

    /// <summary>
    /// [units][units]: 1 less the attention mass that unit u loses by reading the critical tokens of unit v in place of its own, root mean
    /// square
    /// over steps: a head that copies loses much at few steps, and these decide. 0 where v lies in a later layer, for nothing can be
    /// borrowed from it.
    /// </summary>
    public required IReadOnlyList<float[]> Recovery { get; init; }

    /// <summary>
    /// [kv_heads][layers][layers]: 1 - the Jensen-Shannon divergence, by the logarithm to base 2, of what a head attends to in two layers,
    /// averaged over steps (PoD). Symmetric, between 0 and 1.
    /// </summary>
    public required IReadOnlyList<IReadOnlyList<float[]>> PodSimilarity { get; init; }

    /// <summary>
    /// [units][head_dim]: the key's channels, those that tell most about the score first (DoubleSparse); empty where they were not ranked.
    /// </summary>
    public IReadOnlyList<int[]> LabelChannels { get; init; } = [];

    /// <summary>The attention preset that the calibration found best for the model, or null.</summary>
    public string? Recommended { get; init; }

    /// <summary>Measures traces. Steps whose context the budget covers say nothing about a choice and do not count.</summary>
    /// <param name="traces">Traces of the model's full attention.</param>
    /// <param name="budget">How many tokens are chosen; candidates are those between its sinks and its window.</param>
    /// <param name="fingerprint">Which model it is.</param>
    /// <param name="headDim">Elements of a head's key.</param>
    /// <param name="labelChannels">[units][head_dim]: ranking of the key's channels, best first; empty where there is none.</param>
    /// <exception cref="SharingPlanException">The budget leaves no critical tokens, or covers every step's context.</exception>
    /// <exception cref="ArgumentException">There are no traces, or not all have one shape.</exception>
    public static AttentionCalibration From(
        IReadOnlyList<AttentionTrace> traces, TokenBudget budget, string fingerprint, int headDim, IReadOnlyList<int[]> labelChannels)
    {
        ArgumentNullException.ThrowIfNull(traces);
        ArgumentNullException.ThrowIfNull(fingerprint);
        ArgumentNullException.ThrowIfNull(labelChannels);
        if (traces.Count == 0)
            throw new ArgumentException("A calibration needs at least one trace.", nameof(traces));
        (int layers, int kvHeads) = (traces[0].Layers, traces[0].KvHeads);
        if (traces.Any(trace => trace.Layers != layers || trace.KvHeads != kvHeads))
            throw new ArgumentException($"All traces have to be of one model, of {layers} layers with {kvHeads} KV heads.", nameof(traces));

        CalibrationMeasurement measurement = new(layers, kvHeads, budget);
        foreach (AttentionTraceStep step in traces.SelectMany(trace => trace.Steps))
            measurement.Add(step);
        return measurement.Result(fingerprint, headDim, labelChannels);
    }

    /// <summary>Reads the calibration in a model's folder.</summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="fingerprint">The model's fingerprint, or null to take a calibration of whatever model.</param>
    /// <exception cref="SharingPlanException">
    /// There is none, it is damaged, or it is of another model; the message names the file and the entry.
    /// </exception>
    public static AttentionCalibration Load(string directory, string? fingerprint = null) =>
        TryLoad(directory, fingerprint)
        ?? throw new SharingPlanException($"{Path.Combine(directory, FileName)}: The file is missing. Calibrate the model to make it.");

    /// <summary>Reads the calibration in a model's folder; null where there is none.</summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="fingerprint">The model's fingerprint, or null to take a calibration of whatever model.</param>
    /// <exception cref="SharingPlanException">It is damaged, or of another model; the message names the file and the entry.</exception>
    public static AttentionCalibration? TryLoad(string directory, string? fingerprint = null)
    {
        string path = Path.Combine(directory, FileName);
        return File.Exists(path) ? AttentionJson.Read(path, Keys, json => Parse(json, fingerprint)) : null;
    }

    /// <summary>Writes it into a model's folder, over what is there.</summary>
    /// <param name="directory">The model's folder.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string directory) => AttentionJson.Write(Path.Combine(directory, FileName), writer =>
    {
        writer.WriteString("fingerprint", Fingerprint);
        writer.WriteNumber("layers", Layers);
        writer.WriteNumber("kvHeads", KvHeads);
        writer.WriteNumber("headDim", HeadDim);
        writer.WriteNumber("criticalTokens", CriticalTokens);
        writer.WriteString("recommended", Recommended);
        AttentionJson.WriteMatrix(writer, "layerOverlap", LayerOverlap);
        AttentionJson.WriteMatrices(writer, "headOverlap", HeadOverlap);
        AttentionJson.WriteMatrix(writer, "recovery", Recovery);
        AttentionJson.WriteMatrices(writer, "podSimilarity", PodSimilarity);
        AttentionJson.WriteMatrix(writer, "labelChannels", LabelChannels);
    });

    private static AttentionCalibration Parse(ModelJson json, string? fingerprint)
    {
        string own = json.Text("fingerprint") ?? throw json.Error("fingerprint", "is missing.");
        if (fingerprint is not null && own != fingerprint)
        {
            throw json.Error(
                "fingerprint", $"is {own}, but the model's is {fingerprint}: the calibration is of another model. Calibrate this one.");
        }

        int layers = AttentionJson.Int32(json, "layers", 1), kvHeads = AttentionJson.Int32(json, "kvHeads", 1);
        int headDim = AttentionJson.Int32(json, "headDim", 1), units = layers * kvHeads;
        return new AttentionCalibration
        {
            Fingerprint = own,
            Layers = layers,
            KvHeads = kvHeads,
            HeadDim = headDim,
            CriticalTokens = AttentionJson.Int32(json, "criticalTokens", 1),
            Recommended = json.Text("recommended"),
            LayerOverlap = AttentionJson.Shares(json, "layerOverlap", layers, layers),
            HeadOverlap = AttentionJson.ShareMatrices(json, "headOverlap", layers, kvHeads, kvHeads),
            Recovery = AttentionJson.Shares(json, "recovery", units, units),
            PodSimilarity = AttentionJson.ShareMatrices(json, "podSimilarity", kvHeads, layers, layers),
            LabelChannels = ParseChannels(json, units, headDim),
        };
    }

    private static int[][] ParseChannels(ModelJson json, int units, int headDim)
    {
        const string Key = "labelChannels";
        if (json.Array(Key) is not { Count: > 0 })
            return [];

        int[][] channels = AttentionJson.Indices(json, Key, units, headDim, headDim);
        int repeated = Array.FindIndex(channels, row => row.Distinct().Count() < headDim);
        return repeated < 0 ? channels : throw json.Error($"{Key}[{repeated}]", "names a channel twice.");
    }
}
