using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Attention;

/// <summary>Makes presets ready for a model: with a plan from a file, or one made from the calibration in the model's folder.</summary>
public sealed class AttentionPolicyFactory
{
    private readonly ModelConfig _config;
    private readonly string _directory;
    private readonly Lazy<string> _fingerprint;
    private readonly Lazy<AttentionCalibration?> _calibration;

    /// <summary>A factory for a model; its calibration is read when a preset first needs it.</summary>
    /// <param name="config">Its architecture.</param>
    /// <param name="directory">Its folder; of a model without one, any name.</param>
    public AttentionPolicyFactory(ModelConfig config, string directory)
    {
        _config = config;
        _directory = directory;
        _fingerprint = new Lazy<string>(() => ModelFingerprint.Of(directory));
        _calibration = new Lazy<AttentionCalibration?>(() =>
            File.Exists(Path.Combine(directory, AttentionCalibration.FileName))
                ? AttentionCalibration.Load(directory, _fingerprint.Value)
                : null);
    }

    /// <summary>The preset that the model's calibration recommends; full attention where there is none.</summary>
    /// <exception cref="SharingPlanException">The calibration is damaged or belongs to another model.</exception>
    public AttentionPreset Recommended
    {
        get
        {
            if (_calibration.Value?.Recommended is not { } text)
                return AttentionPreset.Full;
            try
            {
                return AttentionPreset.Parse(text);
            }
            catch (ArgumentException error)
            {
                throw new SharingPlanException(
                    $"{Path.Combine(_directory, AttentionCalibration.FileName)}: recommended is no preset. {error.Message}", error);
            }
        }
    }

    /// <summary>Makes a preset ready.</summary>
    /// <exception cref="ArgumentException">The preset does not fit the model; the message says why.</exception>
    /// <exception cref="SharingPlanException">
    /// The plan or the calibration it needs is missing, damaged or of another model; the message names the file and what to do.
    /// </exception>
    public AttentionPolicy Create(AttentionPreset preset)
    {
        ArgumentNullException.ThrowIfNull(preset);
        if (preset.DenseLayers > _config.LayerCount)
        {
            throw new ArgumentException(
                $"Attention '{preset}' keeps {preset.DenseLayers} layers dense, but the model has {_config.LayerCount}.", nameof(preset));
        }

        if (preset.Distant is not null && _config.SlidingWindows.Any(window => window > 0))
        {
            throw new ArgumentException(
                $"Attention '{preset}' shares distant keys, but this model's layers see a sliding window of tokens only. Choose a preset without pod.",
                nameof(preset));
        }

        int labels = preset.Retriever != Retriever.LabelChannels ? 0
            : preset.LabelChannels > 0 ? preset.LabelChannels
            : Math.Max(1, _config.HeadDim / 4);
        if (labels > _config.HeadDim)
        {
            throw new ArgumentException(
                $"Attention '{preset}' keeps {labels} label channels, but a head of this model has {_config.HeadDim}.", nameof(preset));
        }

        SharingPlan plan = PlanFor(preset);
        Check(preset, plan);
        return new AttentionPolicy(preset, plan, labels);
    }

    private static void Check(AttentionPreset preset, SharingPlan plan)
    {
        if (plan.SharesKeys && preset.Distant is null)
        {
            throw new ArgumentException(
                $"Attention '{preset}' uses a plan whose followers keep no distant keys. Use it with pod, or hshare+pod.", nameof(preset));
        }

        int reach = plan.Dilation + (preset.Retriever == Retriever.PageBounds ? KvLayer.PageSize : 1);
        if (preset.Budget is { Share: 0 } budget
            && preset.Retriever != Retriever.None && budget.Total - budget.Sinks - budget.Window < reach)
        {
            throw new ArgumentException(
                $"Attention '{preset}' leaves {budget.Total - budget.Sinks - budget.Window} critical tokens, but one choice takes {reach}. Raise the "
                + "budget, or lower the dilation.", nameof(preset));
        }
    }

    /// <summary>The channels that matter most to each KV head, [layers * kv_heads][count].</summary>
    /// <param name="count">How many.</param>
    /// <exception cref="SharingPlanException">The model has no calibration, or it has no label channels.</exception>
    public IReadOnlyList<IReadOnlyList<int>> LabelChannels(int count)
    {
        AttentionCalibration calibration = Calibration("label channels");
        return calibration.LabelChannels.Count > 0
            ? [.. calibration.LabelChannels.Select(ranking => ranking.Take(count).ToArray())]
            : throw new SharingPlanException(
                $"{Path.Combine(_directory, AttentionCalibration.FileName)} has no label channels. Make it anew with hshare calibrate.");
    }

    private SharingPlan PlanFor(AttentionPreset preset)
    {
        if (preset.PlanFile is not null && !Directory.Exists(_directory))
            throw new SharingPlanException($"Attention '{preset}' names a plan's file, but '{_directory}' is no model's folder.");
        if (preset.PlanFile is { } file)
            return SharingPlanFile.Load(Path.Combine(_directory, file), _config.LayerCount, _config.KvHeadCount, _fingerprint.Value).Plan;

        HeadSharing sharing = preset.Distant?.Scores == true ? HeadSharing.ShareScores : HeadSharing.ShareKeys;
        if (preset.Distant is { } distant && preset.Budget is null)
            return PodPlanner.Blocks(Calibration("blocks of layers"), distant.Threshold, sharing);

        SharingRatios ratios = preset.Ratios;
        SharingPlan plan;
        if (ratios.Layers == SharingRatio.One && ratios.Heads == SharingRatio.One)
        {
            plan = SharingPlan.Independent(_config.LayerCount, _config.KvHeadCount) with
            {
                Interval = ratios.Interval,
                Dilation = preset.Dilation ?? ratios.Interval - 1,
                DenseLayers = preset.DenseLayers,
            };
        }
        else
        {
            AttentionCalibration calibration = Calibration("a sharing plan");
            plan = preset.Planner == SharingPlanner.Greedy
                ? GreedyPlanner.Plan(calibration, ratios, preset.Dilation, preset.DenseLayers)
                : MassPlanner.Plan(calibration, ratios, preset.Dilation, preset.DenseLayers);
        }

        return preset.Distant is null ? plan : PodPlanner.ShareDistant(plan, sharing);
    }

    private AttentionCalibration Calibration(string what) => _calibration.Value ?? throw new SharingPlanException(
        $"{_directory} has no {AttentionCalibration.FileName}, which {what} is made from. Make it with: "
        + $"hshare calibrate --model {_directory} --text FILE");
}
