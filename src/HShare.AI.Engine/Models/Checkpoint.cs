using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>
/// The weights of a model folder: <c>model.safetensors</c>, or the shards that <c>model.safetensors.index.json</c> names. The files stay
/// mapped until this is disposed.
/// </summary>
internal sealed class Checkpoint : IWeightSource, IDisposable
{
    private const string SingleFileName = "model.safetensors";
    private const string IndexFileName = "model.safetensors.index.json";

    private readonly string _origin; // the file to name where a tensor is in none: the only one, or the index
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = [];

    private Checkpoint(string origin) => _origin = origin;

    /// <summary>Number of safetensors files.</summary>
    public int FileCount => _files.Count;

    /// <summary>Maps the files of a folder and checks that they hold the tensors of a layout, with their shapes, and no others.</summary>
    /// <exception cref="ModelLoadException">A file is missing or damaged; a tensor is missing, unknown, or not as it should be.</exception>
    public static Checkpoint Open(string directory, CheckpointLayout layout)
    {
        string single = Path.Combine(directory, SingleFileName), index = Path.Combine(directory, IndexFileName);
        bool sharded = !File.Exists(single);
        if (sharded && !File.Exists(index))
            throw new ModelLoadException(directory, $"There is neither {SingleFileName} nor {IndexFileName}. Only safetensors are read.");

        Checkpoint checkpoint = new(sharded ? index : single);
        try
        {
            if (sharded)
                checkpoint.AddShards(directory, ModelJson.Read(index));
            else
                checkpoint.Add(SafetensorsFile.Open(single));
            checkpoint.Check(layout);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Tensor Get(TensorSpec spec)
    {
        if (!_fileOf.TryGetValue(spec.Name, out SafetensorsFile? file))
            throw new ModelLoadException(_origin, $"The tensor {spec.Name} {spec.ShapeText} is missing, which config.json asks for.");

        StoredTensor stored = file.Tensors[spec.Name];
        return spec.Fits(stored)
            ? file.View(stored)
            : throw new ModelLoadException(
                file.Path, $"{spec.Name} has the shape {stored.ShapeText}; config.json asks for {spec.ShapeText}.");
    }

    /// <summary>Unmaps the files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void AddShards(string directory, ModelJson index)
    {
        Dictionary<string, string> shardOf = ReadShardNames(index);
        foreach (IGrouping<string, string> shard in shardOf.GroupBy(entry => entry.Value, entry => entry.Key))
        {
            SafetensorsFile file = Add(SafetensorsFile.Open(Path.Combine(directory, shard.Key)));
            if (shard.FirstOrDefault(name => !file.Tensors.ContainsKey(name)) is { } absent)
                throw new ModelLoadException(file.Path, $"{absent} is not in this file, but {IndexFileName} says so.");
            if (file.Tensors.Keys.FirstOrDefault(name => shardOf.GetValueOrDefault(name) != shard.Key) is { } unknown)
                throw new ModelLoadException(file.Path, $"{unknown} is in this file, but {IndexFileName} does not say so.");
        }
    }

    private static Dictionary<string, string> ReadShardNames(ModelJson index)
    {
        ModelJson map = index.Object("weight_map") ?? throw index.Error("weight_map", "is missing.");
        Dictionary<string, string> shardOf = [];
        foreach (string tensor in map.Properties.Select(property => property.Name))
        {
            string shard = map.Text(tensor) ?? throw map.Error(tensor, "is null.");
            if (shard.Length == 0 || shard != Path.GetFileName(shard))
                throw map.Error(tensor, $"names \"{shard}\"; a file name without a folder was expected.");
            shardOf.Add(tensor, shard);
        }

        return shardOf;
    }

    private SafetensorsFile Add(SafetensorsFile file)
    {
        _files.Add(file);
        foreach (string name in file.Tensors.Keys)
        {
            if (!_fileOf.TryAdd(name, file))
                throw new ModelLoadException(file.Path, $"{name} is in this file and in {_fileOf[name].Path}.");
        }

        return file;
    }

    private void Check(CheckpointLayout layout)
    {
        HashSet<string> known = [];
        foreach (TensorSpec spec in layout.Tensors)
        {
            Get(spec);
            known.Add(spec.Name);
        }

        foreach ((string name, SafetensorsFile file) in _fileOf)
        {
            if (!known.Contains(name) && !IsRedundant(name, layout))
                throw new ModelLoadException(file.Path, $"{name} has no place in the architecture that config.json describes.");
        }
    }

    // Older checkpoints store the rotary frequencies, which follow from the config, and some a copy of a tied output projection.
    private static bool IsRedundant(string name, CheckpointLayout layout) =>
        name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (layout.Head is null && name == "lm_head.weight");
}
