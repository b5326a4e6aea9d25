using System.Text.Json.Nodes;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed class LanguageModelTests : IDisposable
{
    private const string QProjection = "model.layers.1.self_attn.q_proj.weight";

    private readonly ModelFolder _folder = ModelFolder.Valid();
    private readonly HostBackend _backend = new();

    public void Dispose()
    {
        _folder.Dispose();
        _backend.Dispose();
    }

    [Fact]
    public void Weights_go_where_the_forward_pass_looks_for_them()
    {
        using LanguageModel model = Load(WeightFormat.Int8);

        Assert.Equal(Path.GetFileName(_folder.Path), model.Name);
        Assert.Equal(_folder.Path, model.Directory);
        Assert.Null(model.Tokenizer);
        Assert.Equal(new GenerationDefaults(true, 0.6f, 20, null, null, null), model.GenerationDefaults);
        Assert.Equal(WeightFormat.Int8, _backend.Format);

        LayerWeights layer = model.Weights.Layers[1];
        Assert.Equal(Stored("model.embed_tokens.weight"), HostBackend.Floats(model.Weights.Embedding));
        Assert.Equal(Stored("model.norm.weight"), HostBackend.Floats(model.Weights.FinalNorm));
        Assert.Equal(Stored("lm_head.weight"), HostBackend.Floats(model.Weights.Head.Data));
        Assert.Equal(Stored("model.layers.1.input_layernorm.weight"), HostBackend.Floats(layer.AttentionNorm));
        Assert.Equal(
            Stored(QProjection, "model.layers.1.self_attn.k_proj.weight", "model.layers.1.self_attn.v_proj.weight"),
            HostBackend.Floats(layer.Qkv.Data));
        Assert.Equal(Stored("model.layers.1.self_attn.o_proj.weight"), HostBackend.Floats(layer.Output.Data));
        Assert.Equal(Stored("model.layers.1.post_attention_layernorm.weight"), HostBackend.Floats(layer.FeedForwardNorm));
        Assert.Equal(
            Stored("model.layers.1.mlp.gate_proj.weight", "model.layers.1.mlp.up_proj.weight"), HostBackend.Floats(layer.GateUp.Data));
        Assert.Equal(Stored("model.layers.1.mlp.down_proj.weight"), HostBackend.Floats(layer.Down.Data));
        Assert.Null(layer.HeadNorms);
        Assert.True(layer.Qkv.Bias.IsNone);
    }

    [Fact]
    public void Shards_give_the_same_weights()
    {
        _folder.Shard();
        using LanguageModel model = Load();

        Assert.Equal(Stored("model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"),
            HostBackend.Floats(model.Weights.Layers[0].GateUp.Data));
    }

    [Fact]
    public void Biases_and_head_norms_are_loaded_and_a_tied_head_is_the_embedding()
    {
        JsonObject config = ModelFolder.Config();
        config["architectures"] = new JsonArray("Qwen3ForCausalLM");
        config["attention_bias"] = true;
        config["tie_word_embeddings"] = true;
        _folder.Write("config.json", config.ToJsonString());
        List<TensorData> tensors = ModelFolder.Weights(); // its lm_head is a copy that a tied model does not look at
        for (int i = 0; i < ModelFolder.Layers; i++)
        {
            string name = $"model.layers.{i}.self_attn";
            tensors.Add(TensorData.Counting($"{name}.q_proj.bias", [12], 100));
            tensors.Add(TensorData.Counting($"{name}.k_proj.bias", [6], 200));
            tensors.Add(TensorData.Counting($"{name}.v_proj.bias", [6], 300));
            tensors.Add(TensorData.Counting($"{name}.o_proj.bias", [8], 400));
            tensors.Add(TensorData.Counting($"{name}.q_norm.weight", [6], 500));
            tensors.Add(TensorData.Counting($"{name}.k_norm.weight", [6], 600));
        }

        _folder.WriteSafetensors("model.safetensors", tensors);
        using LanguageModel model = Load();

        LayerWeights layer = model.Weights.Layers[1];
        Assert.Equal([.. Count(100, 12), .. Count(200, 6), .. Count(300, 6)], HostBackend.Floats(layer.Qkv.Bias));
        Assert.Equal(Count(400, 8), HostBackend.Floats(layer.Output.Bias));
        Assert.True(layer.GateUp.Bias.IsNone);
        Assert.Equal(Count(500, 6), HostBackend.Floats(layer.HeadNorms!.Query));
        Assert.Equal(Count(600, 6), HostBackend.Floats(layer.HeadNorms.Key));
        Assert.Equal(Stored("model.embed_tokens.weight"), HostBackend.Floats(model.Weights.Head.Data));
    }

    [Fact]
    public void Progress_ends_at_the_size_of_the_weights()
    {
        List<LoadProgress> reports = [];
        Load(progress: new ImmediateProgress(reports.Add)).Dispose();

        long total = ModelFolder.Weights().Sum(t => t.Bytes.Length);
        Assert.Equal(new LoadProgress(0, total), reports[0]);
        Assert.Equal(new LoadProgress(total, total), reports[^1]);
        Assert.Equal(reports.OrderBy(r => r.BytesRead), reports);
    }

    [Fact]
    public void Cancelling_ends_loading_and_frees_the_backend()
    {
        using CancellationTokenSource source = new();
        ImmediateProgress progress = new(report => { if (report.BytesRead > 0) source.Cancel(); });
        Assert.Throws<OperationCanceledException>(() =>
            LanguageModel.Load(_folder.Path, _backend, progress: progress, cancellationToken: source.Token));
        Assert.True(_backend.IsDisposed);
    }

    [Theory]
    [InlineData("config.json", "config.json: The file is missing")]
    [InlineData("model.safetensors", "There is neither model.safetensors nor model.safetensors.index.json")]
    public void A_missing_file_is_named(string file, string message)
    {
        _folder.Delete(file);
        AssertRefused(message);
    }

    [Fact]
    public void A_missing_folder_is_named()
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => Load(directory: _folder.PathOf("no-such-folder")));
        Assert.Contains("no such folder", error.Message);
        Assert.True(_backend.IsDisposed);
    }

    [Theory]
    [InlineData(QProjection, new long[] { 8, 12 }, "q_proj.weight has the shape [8, 12]; config.json asks for [12, 8]")]
    [InlineData(QProjection, new long[] { 96 }, "q_proj.weight has the shape [96]; config.json asks for [12, 8]")]
    [InlineData(QProjection, new long[] { 1, 12, 8 }, "q_proj.weight has the shape [1, 12, 8]; config.json asks for [12, 8]")]
    [InlineData("model.norm.weight", new long[] { 1, 8 }, "model.norm.weight has the shape [1, 8]; config.json asks for [8]")]
    [InlineData("model.norm.weight", new long[] { }, "model.norm.weight has the shape []; config.json asks for [8]")]
    public void A_shape_other_than_the_config_asks_for_is_refused(string name, long[] shape, string message)
    {
        Replace(name, TensorData.Counting(name, shape, 0));
        AssertRefused(message, "model.safetensors");
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        Replace(QProjection);
        AssertRefused($"{QProjection} [12, 8] is missing", "model.safetensors");
    }

    [Fact]
    public void A_tensor_that_the_architecture_does_not_have_is_refused()
    {
        Replace("model.norm.weight", TensorData.Counting("model.norm.weight", [8], 0), TensorData.Counting("model.norm.bias", [8], 0));
        AssertRefused("model.norm.bias has no place", "model.safetensors");
    }

    [Fact]
    public void Stored_rotary_frequencies_are_left_alone()
    {
        Replace("model.norm.weight", TensorData.Counting("model.norm.weight", [8], 0),
            TensorData.Counting("model.layers.0.self_attn.rotary_emb.inv_freq", [3], 0));
        Load().Dispose();
    }

    [Fact]
    public void Integer_weights_are_refused()
    {
        Replace("model.norm.weight", new TensorData("model.norm.weight", "I8", [8], new byte[8]));
        AssertRefused("model.norm.weight has elements of type I8", "model.safetensors");
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        _folder.Shard();
        _folder.Delete("model-00002-of-00002.safetensors");
        AssertRefused("missing", "model-00002-of-00002.safetensors");
    }

    [Fact]
    public void An_index_that_names_the_wrong_shard_is_refused()
    {
        JsonObject map = _folder.Shard();
        map["lm_head.weight"] = (string)map["lm_head.weight"]! == "model-00001-of-00002.safetensors"
            ? "model-00002-of-00002.safetensors" : "model-00001-of-00002.safetensors";
        _folder.WriteIndex(map);
        AssertRefused("lm_head.weight is ");
    }

    [Fact]
    public void An_index_without_a_tensor_is_refused()
    {
        JsonObject map = _folder.Shard();
        map["model.layers.7.input_layernorm.weight"] = "model-00001-of-00002.safetensors";
        _folder.WriteIndex(map);
        AssertRefused("model.layers.7.input_layernorm.weight is not in this file", "model-00001-of-00002.safetensors");

        map.Remove("model.layers.7.input_layernorm.weight");
        map.Remove("model.norm.weight");
        _folder.WriteIndex(map);
        AssertRefused("model.norm.weight is in this file, but model.safetensors.index.json does not say so");
    }

    [Fact]
    public void An_index_that_leads_out_of_the_folder_is_refused()
    {
        JsonObject map = _folder.Shard();
        map["lm_head.weight"] = "../model-00001-of-00002.safetensors";
        _folder.WriteIndex(map);
        AssertRefused("a file name without a folder was expected", "model.safetensors.index.json");
    }

    [Fact]
    public void A_tensor_in_two_shards_is_refused()
    {
        _folder.Shard();
        _folder.WriteSafetensors("model-00002-of-00002.safetensors", ModelFolder.Weights());
        AssertRefused("is in this file and in", "model-00002-of-00002.safetensors");
    }

    [Theory]
    [InlineData("{}", "weight_map is missing")]
    [InlineData("{\"weight_map\": {\"lm_head.weight\": 1}}", "weight_map.lm_head.weight is 1; a string was expected")]
    [InlineData("{\"weight_map\": {\"lm_head.weight\": null}}", "weight_map.lm_head.weight is null")]
    [InlineData("{\"weight_map\": {}}", "model.embed_tokens.weight [10, 8] is missing")]
    [InlineData("nonsense", "not valid JSON")]
    public void A_damaged_index_is_refused(string json, string message)
    {
        _folder.Shard();
        _folder.Write("model.safetensors.index.json", json);
        AssertRefused(message, "model.safetensors.index.json");
    }

    private LanguageModel Load(
        WeightFormat format = WeightFormat.AsStored, IProgress<LoadProgress>? progress = null, string? directory = null) =>
        LanguageModel.Load(directory ?? _folder.Path, _backend, format, progress, TestContext.Current.CancellationToken);

    private static float[] Stored(params string[] names)
    {
        List<TensorData> tensors = ModelFolder.Weights();
        IEnumerable<int> indices = names.Select(name => tensors.FindIndex(tensor => tensor.Name == name));
        return [.. indices.SelectMany(i => Count(1000 * i, tensors[i].Bytes.Length / sizeof(float)))];
    }

    private static float[] Count(float first, int count) => [.. Enumerable.Range(0, count).Select(i => first + i)];

    private void Replace(string name, params TensorData[] replacements) =>
        _folder.WriteSafetensors("model.safetensors", [.. ModelFolder.Weights().Where(t => t.Name != name), .. replacements]);

    private void AssertRefused(string message, string? file = null)
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => Load());
        Assert.Contains(message, error.Message);
        Assert.True(_backend.IsDisposed);
        if (file is not null)
            Assert.Equal(_folder.PathOf(file), error.File);
    }

    private sealed class ImmediateProgress(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
