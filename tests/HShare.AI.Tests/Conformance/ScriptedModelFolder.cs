using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace HShare.AI.Tests.Conformance;

/// <summary>
/// A model folder in the temporary folder whose model says what a test wants: real weights, run by the real engine. Each piece of text is
/// one token, and each token leads to the next: embeddings are one-hot, the layer adds nothing, and the head holds the order. The last word
/// of the conversation chooses the script. Its chat template is the bundled model's, but for the end, where that word is said again.
/// </summary>
internal sealed class ScriptedModelFolder : IDisposable
{
    private const string Start = "<|im_start|>", End = "<|im_end|>";

    private readonly List<string> _added = [Start, End]; // behind the 256 bytes
    private readonly Dictionary<int, int> _next = [];

    /// <summary>Writes the folder.</summary>
    /// <param name="scripts">For each last word, the pieces of the answer. No piece may occur twice, for it would lead to two others,
    /// and none be a single character, which is a token already. The script of "" answers everything else.</param>
    public ScriptedModelFolder(params (string Word, string[] Pieces)[] scripts)
    {
        int[] firsts = [.. scripts.Select(script => Chain(script.Pieces))];
        for (int i = 0; i < scripts.Length; i++)
        {
            if (scripts[i].Word.Length > 0)
                _next[Add(scripts[i].Word)] = firsts[i];
        }

        int first = firsts[Array.FindIndex(scripts, script => script.Word.Length == 0)];
        for (int id = 0; id < Vocabulary; id++)
            _next.TryAdd(id, first);
        Directory.CreateDirectory(Path);
        Write("config.json", Config());
        Write("tokenizer.json", Tokenizer());
        Write("tokenizer_config.json", new JsonObject { ["chat_template"] = Template() });
        WriteWeights();
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"hshare-scripted-{Guid.NewGuid():N}", "scripted");

    private int Vocabulary => 256 + _added.Count;

    private int Hidden => (Vocabulary + 15) / 16 * 16;

    public void Dispose() => Directory.Delete(System.IO.Path.GetDirectoryName(Path)!, recursive: true);

    private int Add(string token)
    {
        Assert.DoesNotContain(token, _added);
        _added.Add(token);
        return Vocabulary - 1;
    }

    private int Chain(string[] pieces)
    {
        int[] ids = [.. pieces.Select(Add), 256 + _added.IndexOf(End)];
        for (int i = 0; i + 1 < ids.Length; i++)
            _next[ids[i]] = ids[i + 1];
        return ids[0];
    }

    private JsonObject Config() => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = 16,
        ["num_hidden_layers"] = 1,
        ["num_attention_heads"] = 1,
        ["head_dim"] = 16,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = 4096,
        ["eos_token_id"] = 256 + _added.IndexOf(End),
    };

    private JsonObject Tokenizer()
    {
        var vocabulary = new JsonObject();
        for (int value = 0, unprintable = 0; value < 256; value++)
        {
            bool printable = value is >= 33 and <= 126 or >= 161 and <= 172 or >= 174;
            vocabulary[((char)(printable ? value : 256 + unprintable++)).ToString()] = value;
        }

        return new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. _added.Select((token, i) => new JsonObject
            {
                ["id"] = 256 + i, ["content"] = token, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                ["normalized"] = false, ["special"] = token is Start or End,
            })]),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
        };
    }

    private static string Template()
    {
        const string Opening = @"{{- '<|im_start|>assistant\n' }}";
        JsonNode config = JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(TestFiles.TinyModel, "tokenizer_config.json")))!;
        string template = (string)config["chat_template"]!;
        Assert.Contains(Opening, template);
        return template.Replace(Opening, @"{{- '<|im_start|>assistant\n' + messages[-1].content.split(' ')[-1] }}");
    }

    private void WriteWeights()
    {
        int hidden = Hidden;
        List<(string Name, int[] Shape, float[] Values)> tensors = [];
        float[] embedding = Add("model.embed_tokens.weight", Vocabulary, hidden), head = Add("lm_head.weight", Vocabulary, hidden);
        foreach ((int id, int next) in _next)
            embedding[id * hidden + id] = head[next * hidden + id] = 1;
        Array.Fill(Add("model.norm.weight", hidden), 1);
        Array.Fill(Add("model.layers.0.input_layernorm.weight", hidden), 1);
        Array.Fill(Add("model.layers.0.post_attention_layernorm.weight", hidden), 1);
        foreach (string name in new[] { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj" })
            Add($"model.layers.0.{name}.weight", 16, hidden);
        Add("model.layers.0.self_attn.o_proj.weight", hidden, 16);
        Add("model.layers.0.mlp.down_proj.weight", hidden, 16);

        var header = new JsonObject();
        int offset = 0;
        foreach ((string name, int[] shape, float[] values) in tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, offset += 4 * values.Length),
            };
        }

        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString()), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        using FileStream file = File.Create(System.IO.Path.Combine(Path, "model.safetensors"));
        file.Write([.. length, .. json]);
        foreach ((_, _, float[] values) in tensors)
            file.Write(MemoryMarshal.AsBytes<float>(values));

        float[] Add(string name, params int[] shape)
        {
            tensors.Add((name, shape, new float[shape.Aggregate(1, (a, b) => a * b)]));
            return tensors[^1].Values;
        }
    }

    private void Write(string file, JsonObject content) => File.WriteAllText(System.IO.Path.Combine(Path, file), content.ToJsonString());
}
