using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using HShare.AI.Cuda.Driver;

namespace HShare.AI.Cuda.Compilation;

/// <summary>
/// The kernels of one GPU: compiled when they are first asked for, or taken from the cache folder, and loaded once for each file and set of
/// macros. Safe for several threads.
/// </summary>
internal sealed class KernelLibrary : IDisposable
{
    private readonly CudaRuntime _cuda;
    private readonly IReadOnlyDictionary<string, string> _sources;
    private readonly KernelCache _cache;
    private readonly Lazy<Nvrtc> _compiler;
    private readonly ConcurrentDictionary<string, Lazy<KernelModule>> _modules = new();
    private int _compiled;
    private int _fromCache;
    private long _compileTicks;

    /// <summary>The kernels that this assembly carries.</summary>
    public KernelLibrary(CudaRuntime cuda)
        : this(cuda, KernelSources.Embedded, cuda.Options.CachePath)
    {
    }

    /// <summary>Kernels from other sources.</summary>
    /// <param name="cuda">The GPU.</param>
    /// <param name="sources">Name of a file (.cu, or .cuh for what they include) to its text.</param>
    /// <param name="cachePath">The cache folder, null for the usual one.</param>
    internal KernelLibrary(CudaRuntime cuda, IReadOnlyDictionary<string, string> sources, string? cachePath)
    {
        _cuda = cuda;
        _sources = sources;
        _cache = new KernelCache(cachePath);
        _compiler = new(() => new Nvrtc(
            cuda.Properties.ComputeCapability, sources.Where(file => file.Key.EndsWith(".cuh", StringComparison.Ordinal))));
    }

    /// <summary>The cache folder, or null where the user has no place for one.</summary>
    public string? CacheFolder => _cache.Folder;

    /// <summary>What it took so far.</summary>
    public KernelStatistics Statistics => new(_compiled, _fromCache, TimeSpan.FromTicks(Interlocked.Read(ref _compileTicks)));

    /// <summary>
    /// Compiles (or takes from the cache, in memory or on disk) a file with these macros and returns one kernel of it. To be called once
    /// for a specialisation; the result is kept by the caller.
    /// </summary>
    /// <exception cref="CudaException">It does not compile, or has no such kernel.</exception>
    /// <exception cref="ArgumentException">There is no such file.</exception>
    /// <exception cref="InvalidOperationException">It is not loaded yet and a graph capture is under way.</exception>
    public CudaFunction Get(string file, string kernel, params ReadOnlySpan<(string Name, string Value)> macros) =>
        Module(new KernelSpec(file, macros.ToArray())).Get(kernel);

    /// <summary>Unloads everything.</summary>
    public void Dispose()
    {
        foreach (Lazy<KernelModule> module in _modules.Values)
        {
            if (module.IsValueCreated)
                module.Value.Dispose();
        }

        _modules.Clear();
    }

    private KernelModule Module(KernelSpec spec)
    {
        Lazy<KernelModule> module = _modules.GetOrAdd(spec.Key, _ => new(() => Load(spec)));
        if (!module.IsValueCreated)
            _cuda.ThrowIfCapturing($"load {spec.Key}");
        try
        {
            return module.Value;
        }
        catch
        {
            _modules.TryRemove(KeyValuePair.Create(spec.Key, module)); // it would keep the error, whose cause may pass
            throw;
        }
    }

    private KernelModule Load(KernelSpec spec)
    {
        if (!_sources.TryGetValue(spec.File, out string? source))
            throw new ArgumentException($"There is no kernel file {spec.File}.", nameof(spec));
        string key = CacheKey(source, spec.Macros);
        if (FromCache(spec, key) is { } kept)
            return kept;
        long start = Stopwatch.GetTimestamp();
        byte[] image = _compiler.Value.Compile(spec.File, source, spec.Macros);
        Interlocked.Add(ref _compileTicks, Stopwatch.GetElapsedTime(start).Ticks);
        Interlocked.Increment(ref _compiled);
        _cache.Write(key, image);
        return new KernelModule(_cuda, spec.Key, image);
    }

    // An image that the driver refuses comes from another driver, or from an emulated one: then it is made anew, and replaced.
    private KernelModule? FromCache(KernelSpec spec, string key)
    {
        if (_cache.Read(key) is not { } image)
            return null;
        try
        {
            KernelModule module = new(_cuda, spec.Key, image);
            Interlocked.Increment(ref _fromCache);
            return module;
        }
        catch (CudaException problem) when (DriverStatus.RefusesImage(problem.Status))
        {
            return null;
        }
    }

    private string CacheKey(string source, IReadOnlyList<(string Name, string Value)> macros)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _compiler.Value.Describe(Add);
        Add(source);
        foreach ((string name, string value) in macros)
            Add($"{name}={value}");
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        // The length first, so that no two lists of texts run together into the same bytes.
        void Add(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }
}
