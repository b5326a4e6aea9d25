using System.CommandLine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;

namespace HShare.Cli.CommandLine;

/// <summary>Options on how the model attends.</summary>
internal static class AttentionOptions
{
    private const string Description =
        "How decoding attends: full, streaming-llm, h2o, quest, double-sparse, hshare, pod or hshare+pod, with settings such as "
        + "hshare:1/2-1-1/4,budget=512";

    /// <summary>One preset.</summary>
    public static Option<string?> Preset { get; } = new("--attention")
    {
        Description = Description + " [default: what the model's calibration recommends, else full]",
        HelpName = "PRESET",
    };

    /// <summary>Several presets, to be compared.</summary>
    public static Option<string[]> Presets { get; } = new("--attention")
    {
        Description =
            Description + "; repeat it to compare several, or give 'all' [default: what the model's calibration recommends, else full]",
        HelpName = "PRESET",
    };

    /// <summary>
    /// The presets of <c>--attention all</c>: each method, and of HShare the paper's way and with what mends it.
    /// </summary>
    private static readonly string[] All =
    [
        "full", "streaming-llm", "h2o", "quest", "double-sparse", "hshare:1/2-1/2-1/2,dilate=0", "hshare:1/2-1/2-1/2", "hshare:1/2-1-1/2",
        "hshare:1/2-1-1/4", "hshare:1-1-1/4", "pod", "hshare+pod",
    ];

    /// <summary>Reads one preset; none given is the model's default.</summary>
    /// <exception cref="ArgumentException">It is no preset.</exception>
    /// <exception cref="SharingPlanException">The model's calibration is damaged.</exception>
    public static AttentionPreset ReadPreset(ParseResult arguments, ModelSettings settings) =>
        arguments.GetValue(Preset) is { } text ? AttentionPreset.Parse(text) : Recommended(settings);

    /// <summary>Reads several presets; none given is the model's default.</summary>
    /// <exception cref="ArgumentException">One of them is no preset.</exception>
    /// <exception cref="SharingPlanException">The model's calibration is damaged.</exception>
    public static IReadOnlyList<AttentionPreset> ReadPresets(ParseResult arguments, ModelSettings settings)
    {
        string[] given = arguments.GetValue(Presets) ?? [];
        return given.Length == 0
            ? [Recommended(settings)]
            : [.. given.SelectMany(text => text == "all" ? All : [text]).Select(AttentionPreset.Parse).Distinct()];
    }

    /// <summary>The preset that the model's calibration recommends; full attention where there is none.</summary>
    public static AttentionPreset Recommended(ModelSettings settings) =>
        new AttentionPolicyFactory(ModelConfigReader.Read(settings.Directory), settings.Directory).Recommended;
}
