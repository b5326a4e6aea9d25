using System.Globalization;
using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class AttentionPresetTests
{
    public static TheoryData<string> Texts =>
    [
        "full",
        "streaming-llm", "streaming-llm:budget=300,sinks=0",
        "h2o", "h2o:budget=2",
        "quest", "quest:budget=1/8", "quest:budget=0.3,sinks=0,window=1,dense=2", "quest:budget=1/3", "quest:budget=0.00001",
        "double-sparse", "double-sparse:budget=700,channels=16,dense=1",
        "hshare", "hshare:7/8-3/4-1/2",
        "hshare:1-1-1/4,dilate=0,retriever=labels,channels=12,budget=1/16,sinks=4,window=32,dense=2,planner=greedy",
        "hshare:1/2-1-1,retriever=exact", "hshare:plan=plans/a.json,budget=256", "hshare:plan=b.json,retriever=labels",
        "pod", "pod:scores,proximal=4+1000,threshold=0.625", "pod:keys,threshold=0.123456789", "pod:plan=p.json,proximal=8+64",
        "hshare+pod", "hshare+pod:1/2-1-1/2,keys,proximal=16+4080,retriever=exact,budget=128,sinks=8,window=32", "hshare+pod:plan=p.json",
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Text_reads_back_as_the_same_preset(string text)
    {
        AttentionPreset preset = AttentionPreset.Parse(text);
        Assert.Equal(preset, AttentionPreset.Parse(preset.ToString()));
        Assert.Equal(preset.ToString(), AttentionPreset.Parse(preset.ToString()).ToString());
        Assert.StartsWith(text.Split(':')[0], preset.ToString());
    }

    [Fact]
    public void Text_does_not_depend_on_the_culture()
    {
        AttentionPreset preset = AttentionPreset.Parse("quest:budget=1/8");
        string text = preset.ToString();
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture =
                new CultureInfo("") { NumberFormat = new NumberFormatInfo { NumberDecimalSeparator = ",", NegativeSign = "~" } };
            Assert.Equal(text, preset.ToString());
            Assert.Equal(preset, AttentionPreset.Parse(text));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Every_setting_is_where_it_belongs()
    {
        AttentionPreset preset = AttentionPreset.Parse(
            " hshare+pod : 3/4-1/2-1/8 , budget=1/4,sinks=5,window=33,retriever=labels,channels=9,"
            + "dilate=3,dense=1,planner=greedy,keys,proximal=6+70");
        Assert.Equal("hshare+pod", preset.Name);
        Assert.Equal(new TokenBudget(5, 33, 0, 0.25), preset.Budget);
        Assert.Equal(Retriever.LabelChannels, preset.Retriever);
        Assert.Equal(9, preset.LabelChannels);
        Assert.Equal(3, preset.Dilation);
        Assert.Equal(1, preset.DenseLayers);
        Assert.Equal(SharingPlanner.Greedy, preset.Planner);
        Assert.Equal("3/4-1/2-1/8", preset.Ratios.ToString());
        Assert.Equal(8, preset.Ratios.Interval);
        Assert.Equal(new DistantAttention(Scores: false, 6, 70, 0), preset.Distant);
    }

    [Fact]
    public void Methods_have_the_settings_they_were_published_with()
    {
        Assert.Null(AttentionPreset.Parse("full").Budget);
        Assert.Equal(new TokenBudget(4, 508, 512), AttentionPreset.Parse("streaming-llm").Budget);
        Assert.Equal(Retriever.None, AttentionPreset.Parse("streaming-llm").Retriever);
        Assert.Equal(new TokenBudget(0, 256, 512), AttentionPreset.Parse("h2o").Budget);
        Assert.Equal(Retriever.Accumulated, AttentionPreset.Parse("h2o").Retriever);
        Assert.Equal(Retriever.PageBounds, AttentionPreset.Parse("quest").Retriever);
        Assert.Equal(1, AttentionPreset.Parse("quest").Ratios.Interval);
        Assert.Equal(Retriever.LabelChannels, AttentionPreset.Parse("double-sparse").Retriever);
        Assert.Equal(new TokenBudget(16, 64, 512), AttentionPreset.Parse("hshare").Budget);
        Assert.Equal(new DistantAttention(Scores: false, 16, 496, 0.5), AttentionPreset.Parse("pod").Distant);
        Assert.True(AttentionPreset.Parse("hshare+pod").Distant!.Scores);
    }

    [Theory]
    [InlineData("snapkv", "no method 'snapkv'", "quest")]
    [InlineData("quest:retriever=exact", "'retriever=exact'", "budget, sinks, window, dense")]
    [InlineData("full:budget=3", "'budget=3'", "no settings")]
    [InlineData("quest:budget", "'budget' has no value", "")]
    [InlineData("quest:budget=", "'budget' has no value", "")]
    [InlineData("quest:budget=300,budget=400", "'budget' is given twice", "")]
    [InlineData("quest:budget=many", "budget is 'many'", "1/8")]
    [InlineData("quest:budget=9/8", "9/8", "")]
    [InlineData("quest:budget=-5", "budget is '-5'", "")]
    [InlineData("quest:budget=100", "100", "at least 112")]
    [InlineData("quest:window=0", "window", "")]
    [InlineData("quest:sinks=x", "sinks is 'x'", "whole number")]
    [InlineData("quest:dense=-1", "dense is '-1'", "whole number")]
    [InlineData("streaming-llm:budget=4", "4 sinks", "larger budget")]
    [InlineData("h2o:budget=1", "'1'", "")]
    [InlineData("hshare:1/2-1", "'1/2-1'", "layers-heads-steps")]
    [InlineData("hshare:1/2-1-2/3", "2/3", "1/2")]
    [InlineData("hshare:1-1-1,1-1-1", "'ratios' is given twice", "")]
    [InlineData("hshare:retriever=best", "retriever is 'best'", "pages, labels, exact")]
    [InlineData("hshare:planner=best", "planner is 'best'", "mass, greedy")]
    [InlineData("hshare:plan=x.json,1-1-1", "a plan brings its own", "out")]
    [InlineData("hshare:plan=x.json,dilate=1", "a plan brings its own", "out")]
    [InlineData("hshare:plan=x.json,planner=greedy", "a plan brings its own", "out")]
    [InlineData("pod:plan=x.json,threshold=0.6", "a plan brings its own", "out")]
    [InlineData("hshare:channels=8", "channels", "labels")]
    [InlineData("pod:proximal=16", "proximal is '16'", "16+496")]
    [InlineData("pod:proximal=16+0", "0", "")]
    [InlineData("pod:threshold=1.5", "1.5", "between 0 and 1")]
    [InlineData("pod:threshold=half", "threshold is 'half'", "0 to 1")]
    [InlineData("pod:keys,scores", "'share' is given twice", "")]
    [InlineData("pod:share=values", "share is 'values'", "keys, scores")]
    [InlineData("pod:budget=512", "'budget=512'", "share, proximal, threshold, plan")]
    public void A_mistake_is_named_with_what_would_be_right(string text, string mistake, string right)
    {
        ArgumentException error = Assert.ThrowsAny<ArgumentException>(() => AttentionPreset.Parse(text));
        Assert.StartsWith($"The attention preset '{text}' cannot be used", error.Message);
        Assert.Contains(mistake, error.Message[text.Length..]);
        Assert.Contains(right, error.Message);
    }

    [Fact]
    public void Presets_made_in_code_are_checked_too()
    {
        Assert.ThrowsAny<ArgumentException>(() => AttentionPreset.Parse(" "));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.StreamingLlm(budget: 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.Quest(new TokenBudget(16, 64, 100)));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.Quest(new TokenBudget(-1, 64, 600)));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.Quest(new TokenBudget(1, 64, 0, 1.5)));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.DoubleSparse(labelChannels: -1));
        Assert.Throws<ArgumentException>(() => AttentionPreset.HShare(retriever: Retriever.Accumulated));
        Assert.Throws<ArgumentException>(() => AttentionPreset.HShare(retriever: Retriever.None));
        Assert.Throws<ArgumentException>(() => AttentionPreset.HShare(labelChannels: 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.HShare(dilation: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.Pod(new DistantAttention(false, -1, 10, 0.5)));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionPreset.Pod(new DistantAttention(false, 1, 10, double.NaN)));
    }

    [Theory]
    [InlineData("quest:budget=1/8,window=2147483647")]
    [InlineData("quest:budget=1/8,sinks=2000000000")]
    [InlineData("hshare:1-1-1/2,dilate=2147483647")]
    [InlineData("pod:keys,proximal=16+2147483647")]
    public void Numbers_whose_sums_would_overflow_are_refused(string text) =>
        Assert.ThrowsAny<ArgumentException>(() => AttentionPreset.Parse(text));

    [Fact]
    public void A_plan_goes_with_no_ratios_of_its_own() =>
        Assert.Throws<ArgumentException>("planFile", () => AttentionPreset.HShare(planFile: "p.json", dilation: 2));
}
