using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace HShare.AI.Tests.Hosting;

public class HShareOptionsTests
{
    [Fact]
    public void Defaults_are_valid_and_serve_the_bundled_model()
    {
        var options = new HShareOptions();
        Assert.Empty(Failures(options));
        Assert.Equal("hshare-tiny", options.EffectiveModelId);
        Assert.Equal(new EngineOptions { AttentionPresets = [] }, options.ToEngineOptions(
            () => AttentionPreset.Full) with
        { AttentionPresets = [] });
    }

    public static TheoryData<string, object?, string> Invalid => new()
    {
        { nameof(HShareOptions.ModelPath), "/no/such/folder", "'/no/such/folder'" },
        { nameof(HShareOptions.ModelPath), "", "bundled" },
        { nameof(HShareOptions.ModelPath), Path.GetTempPath(), "config.json" },
        { nameof(HShareOptions.ModelId), " ", "name" },
        { nameof(HShareOptions.Backend), (HShareBackend)9, "Auto, Cpu, Cuda" },
        { nameof(HShareOptions.WeightFormat), (WeightFormat)9, "AsStored, BFloat16, Int8, Float8" },
        { nameof(HShareOptions.KvCacheFormat), (KvCacheFormat)9, "Auto, Float32, Float16, BFloat16, Float8" },
        { nameof(HShareOptions.PrefixSharing), (PrefixSharing)9, "Shared, PerKey, Off" },
        { nameof(HShareOptions.ToolCallFormat), (ToolCallFormat)9, "Auto, Hermes, Llama, Mistral" },
        { nameof(HShareOptions.Threads), 0, "1 or more" },
        { nameof(HShareOptions.GpuIndex), -1, "0 or more" },
        { nameof(HShareOptions.CudaLibraryPath), "/no/such/folder", "folder" },
        { nameof(HShareOptions.MaxContext), 1, "2 or more" },
        { nameof(HShareOptions.MaxBatch), 0, "1 or more" },
        { nameof(HShareOptions.MaxStepRows), 15, "16" },
        { nameof(HShareOptions.KvCacheMegabytes), 0, "1 or more" },
        { nameof(HShareOptions.QueueLength), -1, "0 or more" },
        { nameof(HShareOptions.RequestTimeLimit), TimeSpan.Zero, "positive" },
        { nameof(HShareOptions.DrainLimit), TimeSpan.FromSeconds(-1), "positive" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public async Task A_failure_names_the_option_and_says_what_to_set(string property, object? value, string remedy)
    {
        var options = new HShareOptions();
        typeof(HShareOptions).GetProperty(property)!.SetValue(options, value);
        string failure = Assert.Single(Failures(options));
        Assert.StartsWith($"Chat client 'k': HShareOptions.{property} is ", failure, StringComparison.Ordinal);
        Assert.Contains(remedy, failure, StringComparison.Ordinal);
        await Assert.ThrowsAsync<OptionsValidationException>(
            () => HShareChatClient.CreateAsync(options, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_is_of_another_backend_is_refused()
    {
        string threads = Assert.Single(Failures(new HShareOptions { Backend = HShareBackend.Cuda, Threads = 2 }));
        Assert.Contains("Threads is 2", threads, StringComparison.Ordinal);
        string gpu = Assert.Single(Failures(new HShareOptions { Backend = HShareBackend.Cpu, GpuIndex = 1 }));
        Assert.Contains("GpuIndex is 1", gpu, StringComparison.Ordinal);
        string library = Assert.Single(
            Failures(new HShareOptions { Backend = HShareBackend.Cpu, CudaLibraryPath = Path.GetTempPath() }));
        Assert.Contains("CudaLibraryPath is", library, StringComparison.Ordinal);
        Assert.Empty(Failures(new HShareOptions { Backend = HShareBackend.Auto, Threads = 2, GpuIndex = 1 }));
    }

    [Theory]
    [InlineData(9000, null, "8192")]
    [InlineData(8192, 1, nameof(HShareOptions.KvCacheMegabytes))]
    public async Task Options_that_do_not_fit_the_model_are_invalid_too(int maxContext, int? megabytes, string named)
    {
        var options = new HShareOptions { MaxContext = maxContext, KvCacheMegabytes = megabytes };
        var error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => HShareChatClient.CreateAsync(options, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains(nameof(HShareOptions.MaxContext), error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_option_comes_from_configuration()
    {
        HShareOptions options = Bind(
            ("ModelPath", "/models/some-model"), ("ModelId", "some"), ("Backend", "cpu"), ("Threads", "3"), ("WeightFormat", "Int8"),
            ("KvCacheFormat", "BFloat16"), ("MaxContext", "4096"), ("MaxBatch", "8"), ("MaxStepRows", "256"), ("KvCacheMegabytes", "4096"),
            ("QueueLength", "32"), ("RequestTimeLimit", "00:02:00"), ("PrefixSharing", "PerKey"), ("DrainLimit", "00:00:05"),
            ("ToolCallFormat", "hermes"), ("GpuIndex", "1"), ("CudaLibraryPath", "/opt/cuda"),
            ("Attention", "quest:budget=1024"), ("AttentionPresets:0", "full"), ("TracksAttention", "true"));
        Assert.Equal(["full"], options.AttentionPresets);
        Assert.Equal("/models/some-model", options.ModelPath);
        Assert.Equal("some", options.EffectiveModelId);
        Assert.Equal(HShareBackend.Cpu, options.Backend);
        Assert.Equal(3, options.Threads);
        Assert.Equal(1, options.ToCudaOptions().DeviceIndex);
        Assert.Equal(["/opt/cuda"], options.ToCudaOptions().LibraryPaths);
        Assert.Equal(WeightFormat.Int8, options.WeightFormat);
        Assert.Equal(ToolCallFormat.Hermes, options.ToolCallFormat);
        Assert.Equal(TimeSpan.FromSeconds(5), options.DrainLimit);
        Assert.Equal(
            new EngineOptions
            {
                MaxContext = 4096,
                MaxBatch = 8,
                MaxStepRows = 256,
                KvCacheBytes = 4096L << 20,
                KvCacheType = DType.BFloat16,
                QueueLength = 32,
                RequestTimeLimit = TimeSpan.FromMinutes(2),
                PrefixSharing = PrefixSharing.PerKey,
                Attention = AttentionPreset.Parse("quest:budget=1024"),
                AttentionPresets = [],
                TracksReads = true,
            },
            options.ToEngineOptions(() => AttentionPreset.Full) with { AttentionPresets = [] });
    }

    [Fact]
    public void The_bound_options_are_all_there_are()
    {
        string[] bound =
        [
            "ModelPath", "ModelId", "Backend", "Threads", "WeightFormat", "KvCacheFormat", "MaxContext", "MaxBatch", "MaxStepRows",
            "KvCacheMegabytes", "QueueLength", "RequestTimeLimit", "PrefixSharing", "DrainLimit", "ToolCallFormat",
            "Attention", "AttentionPresets", "TracksAttention", "GpuIndex", "CudaLibraryPath",
        ];
        Assert.Equal(bound.Order(), typeof(HShareOptions).GetProperties().Select(property => property.Name).Order());
    }

    [Theory]
    [InlineData("Backend", "Rocm", "'HShare:Backend' is 'Rocm'. Set it to one of: Auto, Cpu, Cuda.")]
    [InlineData("Backend", "7", "one of: Auto, Cpu, Cuda.")]
    [InlineData("WeightFormat", "int3", "one of: AsStored, BFloat16, Int8, Float8.")]
    [InlineData("PrefixSharing", "all", "one of: Shared, PerKey, Off.")]
    [InlineData("ToolCallFormat", "xml", "one of: Auto, Hermes, Llama, Mistral.")]
    [InlineData("KvCacheFormat", "Int8", "one of: Auto, Float32, Float16, BFloat16, Float8.")]
    [InlineData("Threads", "many", "Threads")]
    [InlineData("ModelPat", "x", "ModelPat")]
    public void Configuration_that_means_nothing_is_refused(string key, string value, string named)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Bind((key, value)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/models/Qwen3-4B", "Qwen3-4B")]
    [InlineData("/models/Qwen3-4B/", "Qwen3-4B")]
    public void A_model_is_called_like_its_folder(string path, string id) =>
        Assert.Equal(id, new HShareOptions { ModelPath = path }.EffectiveModelId);

    private static HShareOptions Bind(params (string Key, string Value)[] values)
    {
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(values.Select(value => KeyValuePair.Create("HShare:" + value.Key, (string?)value.Value)))
            .Build();
        var options = new HShareOptions();
        configuration.GetSection("HShare").BindTo(options);
        return options;
    }

    private static IEnumerable<string> Failures(HShareOptions options) =>
        new HShareOptionsValidator().Validate("k", options).Failures ?? [];
}
