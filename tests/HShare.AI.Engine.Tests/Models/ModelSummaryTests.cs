using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed class ModelSummaryTests
{
    [Fact]
    public void The_bundled_model_is_what_its_page_says()
    {
        ModelSummary summary = ModelSummary.Read(TestFiles.TinyModel + Path.DirectorySeparatorChar);

        Assert.Equal("hshare-tiny", summary.Name);
        Assert.Equal("LlamaForCausalLM", summary.Config.Architecture);
        Assert.Equal(22_029_696, summary.ParameterCount);
        Assert.Equal([DType.BFloat16], summary.WeightTypes);
        Assert.Equal(44_059_392, summary.WeightBytes);
        Assert.Equal(1, summary.WeightFileCount);
        Assert.Equal(8192, summary.Config.ContextLength);
        Assert.Equal([8187, 8185], summary.Config.EndOfSequenceIds);
        Assert.True(summary.Config.TieEmbeddings);
        Assert.True(summary.HasTokenizer);
        Assert.True(summary.HasChatTemplate);
        Assert.Equal(false, summary.GenerationDefaults.DoSample);
        Assert.Equal(2 * 12 * 2 * 64 * 4, summary.KvBytesPerToken(DType.Float32));
        Assert.Equal(2 * 12 * 2 * 64 * 2, summary.KvBytesPerToken(DType.BFloat16));
    }

    [Theory]
    [InlineData("llama-mha", "LlamaForCausalLM", 1)]
    [InlineData("llama3-gqa-ropescaled", "LlamaForCausalLM", 14)]
    [InlineData("mistral-window32", "MistralForCausalLM", 1)]
    [InlineData("qwen2-bias", "Qwen2ForCausalLM", 1)]
    [InlineData("qwen3-qknorm", "Qwen3ForCausalLM", 1)]
    public void Small_models_of_every_architecture_are_read(string name, string architecture, int files)
    {
        ModelSummary summary = ModelSummary.Read(TestFiles.Shared("assets", "parity", name));
        Assert.Equal(architecture, summary.Config.Architecture);
        Assert.Equal(files, summary.WeightFileCount);
        Assert.Equal(summary.ParameterCount * 2, summary.WeightBytes);
        Assert.False(summary.HasTokenizer);
        Assert.False(summary.HasChatTemplate);
    }

    [Fact]
    public void A_chat_template_in_a_file_of_its_own_is_found()
    {
        using var folder = ModelFolder.Valid();
        Assert.False(ModelSummary.Read(folder.Path).HasChatTemplate);
        folder.Write("chat_template.jinja", "{{ messages }}");
        Assert.True(ModelSummary.Read(folder.Path).HasChatTemplate);
    }

    [Fact]
    public void A_folder_that_would_not_load_gives_no_summary()
    {
        using var folder = ModelFolder.Valid();
        folder.WriteSafetensors("model.safetensors", [.. ModelFolder.Weights().SkipLast(1)]);
        Assert.Contains("lm_head.weight", Assert.Throws<ModelLoadException>(() => ModelSummary.Read(folder.Path)).Message);
    }
}
