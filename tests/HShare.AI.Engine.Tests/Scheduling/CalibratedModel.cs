using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>A copy of the bundled model with a made-up calibration, in a temporary folder that is deleted at the end.</summary>
internal sealed class CalibratedModel : IDisposable
{
    public const int HeadDim = 64;

    public CalibratedModel()
    {
        foreach (string file in new[] { "config.json", "generation_config.json", "model.safetensors" })
            File.Copy(Path.Combine(TestFiles.TinyModel, file), Path.Combine(Folder, file));
        Calibration().Save(Folder);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("hshare-calibrated-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    // Neighbouring layers are alike, the more the nearer; label channels are ranked in an order of their own for each unit.
    private AttentionCalibration Calibration()
    {
        const int Layers = SparsePresets.Layers, Heads = SparsePresets.KvHeads, Units = Layers * Heads;
        Random random = new(1);
        float[][] layers = Matrix(Layers, (a, b) => 1 - Math.Abs(a - b) / 20f);
        return new AttentionCalibration
        {
            Fingerprint = ModelFingerprint.Of(Folder),
            Layers = Layers,
            KvHeads = Heads,
            HeadDim = HeadDim,
            CriticalTokens = 64,
            LayerOverlap = layers,
            HeadOverlap = [.. Enumerable.Range(0, Layers).Select(layer => Matrix(Heads, (a, b) => a == b ? 1 : layer / 40f))],
            Recovery = Matrix(Units, (a, b) => b / Heads > a / Heads ? 0 : a == b ? 1 : 0.9f - (a - b) % 7 * 0.1f),
            PodSimilarity = [.. Enumerable.Range(0, Heads).Select(_ => layers)],
            LabelChannels = [.. Enumerable.Range(0, Units).Select(_ =>
            {
                int[] channels = [.. Enumerable.Range(0, HeadDim)];
                random.Shuffle(channels);
                return channels;
            })],
        };
    }

    private static float[][] Matrix(int size, Func<int, int, float> element) =>
        [.. Enumerable.Range(0, size).Select(row => Enumerable.Range(0, size).Select(column => element(row, column)).ToArray())];
}
