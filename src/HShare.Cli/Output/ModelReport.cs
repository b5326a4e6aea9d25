using System.Globalization;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>A model folder's summary, for reading and as JSON.</summary>
internal static class ModelReport
{
    /// <summary>Writes a table.</summary>
    public static void WriteTable(Terminal terminal, ModelSummary summary, int? contextAskedFor)
    {
        ModelConfig config = summary.Config;
        int context = contextAskedFor ?? config.ContextLength;
        int[] windows = [.. config.SlidingWindows.Where(window => window > 0)];
        Table table = Tables.Create(summary.Name);
        table.AddColumn("");
        Row("architecture", config.Architecture);
        Row("parameters", $"{summary.ParameterCount:N0}");
        string types = string.Join(", ", summary.WeightTypes.Select(Formats.Name));
        Row("weights", $"{types}, {Bytes(summary.WeightBytes)}, files: {summary.WeightFileCount}");
        Row("layers", $"{config.LayerCount}, hidden {config.HiddenSize}, feed-forward {config.IntermediateSize}");
        Row("attention", $"{config.HeadCount} heads of {config.HeadDim}, {config.KvHeadCount} KV heads");
        Row("sliding window", windows.Length == 0 ? "none" : $"{windows[0]} tokens in {windows.Length} of {config.LayerCount} layers");
        Row("rotary", $"theta {config.Rotary.Theta.ToString(CultureInfo.InvariantCulture)}, scaling {Scaling(config.Rotary.Scaling)}");
        Row("vocabulary", $"{config.VocabularySize:N0}, {(config.TieEmbeddings ? "tied" : "untied")} embeddings");
        Row("context", $"{config.ContextLength:N0} tokens");
        long wide = summary.KvBytesPerToken(DType.Float32), narrow = summary.KvBytesPerToken(DType.Float16);
        Row("KV cache", $"{wide:N0} bytes a token in f32, {narrow:N0} in f16 or bf16");
        Row("", $"{Bytes(wide * context)} in f32 for {context:N0} tokens");
        Row("end of sequence", string.Join(", ", config.EndOfSequenceIds));
        Row("sampling defaults", Defaults(summary.GenerationDefaults));
        Row("tokenizer", summary.HasTokenizer ? "yes" : "none");
        Row("chat template", summary.HasChatTemplate ? "yes" : "none");
        terminal.Write(table);

        void Row(string name, string value) => table.AddTextRow([name, value]);
    }

    /// <summary>The object for <c>--json</c>.</summary>
    public static object ToJson(ModelSummary summary) => new
    {
        summary.Name,
        summary.Config.Architecture,
        Parameters = summary.ParameterCount,
        WeightTypes = summary.WeightTypes.Select(Formats.Name),
        summary.WeightBytes,
        WeightFiles = summary.WeightFileCount,
        Layers = summary.Config.LayerCount,
        summary.Config.HiddenSize,
        summary.Config.IntermediateSize,
        Heads = summary.Config.HeadCount,
        KvHeads = summary.Config.KvHeadCount,
        summary.Config.HeadDim,
        summary.Config.SlidingWindows,
        RopeTheta = summary.Config.Rotary.Theta,
        RopeScaling = Scaling(summary.Config.Rotary.Scaling),
        summary.Config.VocabularySize,
        summary.Config.TieEmbeddings,
        summary.Config.ContextLength,
        KvBytesPerToken = new
        {
            F32 = summary.KvBytesPerToken(DType.Float32),
            F16 = summary.KvBytesPerToken(DType.Float16),
            Bf16 = summary.KvBytesPerToken(DType.BFloat16),
        },
        summary.Config.EndOfSequenceIds,
        summary.GenerationDefaults,
        summary.HasTokenizer,
        summary.HasChatTemplate,
    };

    private static string Scaling(RotaryScaling? scaling) => scaling switch
    {
        null => "none",
        LinearRotaryScaling linear => $"linear x{linear.Factor}",
        Llama3RotaryScaling llama3 => $"llama3 x{llama3.Factor} of {llama3.OriginalContextLength}",
        _ => throw new ArgumentOutOfRangeException(nameof(scaling), scaling, "Unknown scaling."),
    };

    private static string Defaults(GenerationDefaults defaults)
    {
        if (defaults.DoSample != true)
            return "greedy";

        (string Name, object? Value)[] given =
        [
            ("temperature", defaults.Temperature), ("top-k", defaults.TopK), ("top-p", defaults.TopP), ("min-p", defaults.MinP),
            ("repetition penalty", defaults.RepetitionPenalty),
        ];
        string[] values = [.. given.Where(setting => setting.Value is not null).Select(setting => $"{setting.Name} {setting.Value}")];
        return values.Length == 0 ? "sampling" : string.Join(", ", values);
    }

    private static string Bytes(long bytes) => bytes >= 1L << 30
        ? $"{bytes / (double)(1L << 30):N2} GiB"
        : $"{bytes / (double)(1L << 20):N1} MiB";
}
