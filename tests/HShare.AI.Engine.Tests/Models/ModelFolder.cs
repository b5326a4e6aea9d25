using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HShare.AI.Engine.Tests.Models;

/// <summary>A tensor to write into a safetensors file.</summary>
internal sealed record TensorData(string Name, string Type, long[] Shape, byte[] Bytes)
{
    /// <summary>A float32 tensor whose elements count up from a first value, so that each can be told from all others.</summary>
    public static TensorData Counting(string name, long[] shape, float first)
    {
        float[] values = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => first + i)];
        return new TensorData(name, "F32", shape, [.. values.SelectMany(BitConverter.GetBytes)]);
    }
}

/// <summary>A model folder in the temporary folder, deleted at the end: a two-layer Llama of some hundred weights.</summary>
internal sealed class ModelFolder : IDisposable
{
    public const int Hidden = 8, Intermediate = 12, Layers = 2, Heads = 2, KvHeads = 1, HeadDim = 6, Vocabulary = 10;

    public ModelFolder() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"hshare-model-{Guid.NewGuid():N}");

    /// <summary>A folder that loads: config, generation config and one weights file.</summary>
    public static ModelFolder Valid()
    {
        ModelFolder folder = new();
        folder.Write("config.json", Config().ToJsonString());
        folder.Write("generation_config.json", """{"eos_token_id": [7, 9], "temperature": 0.6, "top_k": 20, "do_sample": true}""");
        folder.WriteSafetensors("model.safetensors", Weights());
        return folder;
    }

    public static JsonObject Config() => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = Intermediate,
        ["num_hidden_layers"] = Layers,
        ["num_attention_heads"] = Heads,
        ["num_key_value_heads"] = KvHeads,
        ["head_dim"] = HeadDim,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = 64,
    };

    /// <summary>The tensors that <see cref="Config"/> asks for; the first element of each is a multiple of 1000.</summary>
    public static List<TensorData> Weights()
    {
        List<TensorData> tensors = [];
        Add("model.embed_tokens.weight", Vocabulary, Hidden);
        for (int i = 0; i < Layers; i++)
        {
            Add($"model.layers.{i}.input_layernorm.weight", Hidden);
            Add($"model.layers.{i}.self_attn.q_proj.weight", Heads * HeadDim, Hidden);
            Add($"model.layers.{i}.self_attn.k_proj.weight", KvHeads * HeadDim, Hidden);
            Add($"model.layers.{i}.self_attn.v_proj.weight", KvHeads * HeadDim, Hidden);
            Add($"model.layers.{i}.self_attn.o_proj.weight", Hidden, Heads * HeadDim);
            Add($"model.layers.{i}.post_attention_layernorm.weight", Hidden);
            Add($"model.layers.{i}.mlp.gate_proj.weight", Intermediate, Hidden);
            Add($"model.layers.{i}.mlp.up_proj.weight", Intermediate, Hidden);
            Add($"model.layers.{i}.mlp.down_proj.weight", Hidden, Intermediate);
        }

        Add("model.norm.weight", Hidden);
        Add("lm_head.weight", Vocabulary, Hidden);
        return tensors;

        void Add(string name, params long[] shape) => tensors.Add(TensorData.Counting(name, shape, 1000 * tensors.Count));
    }

    public string PathOf(string file) => System.IO.Path.Combine(Path, file);

    public void Write(string file, string text) => File.WriteAllText(PathOf(file), text);

    public void Delete(string file) => File.Delete(PathOf(file));

    public void WriteSafetensors(string file, IReadOnlyList<TensorData> tensors)
    {
        JsonObject header = new() { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        long offset = 0;
        foreach (TensorData tensor in tensors)
        {
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = tensor.Type,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, offset += tensor.Bytes.Length),
            };
        }

        WriteSafetensors(file, header.ToJsonString(), [.. tensors.SelectMany(t => t.Bytes)]);
    }

    /// <summary>Writes a file with a header that need not be true.</summary>
    public void WriteSafetensors(string file, string header, byte[] data, ulong? headerLength = null)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(header);
        byte[] prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, headerLength ?? (ulong)utf8.Length);
        File.WriteAllBytes(PathOf(file), [.. prefix, .. utf8, .. data]);
    }

    /// <summary>Replaces the single weights file by two shards with an index.</summary>
    public JsonObject Shard()
    {
        List<TensorData> tensors = Weights();
        JsonObject map = [];
        for (int i = 0; i < 2; i++)
        {
            string name = $"model-0000{i + 1}-of-00002.safetensors";
            List<TensorData> part = [.. tensors.Where((_, index) => index % 2 == i)];
            part.ForEach(tensor => map[tensor.Name] = name);
            WriteSafetensors(name, part);
        }

        Delete("model.safetensors");
        WriteIndex(map);
        return map;
    }

    public void WriteIndex(JsonObject map) =>
        Write("model.safetensors.index.json", JsonSerializer.Serialize(new { metadata = new { total_size = 0 }, weight_map = map }));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
