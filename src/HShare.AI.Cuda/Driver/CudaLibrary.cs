namespace HShare.AI.Cuda.Driver;

/// <summary>Where one of the libraries that the NVIDIA backend needs was looked for, and found.</summary>
/// <param name="Name">"libcuda", "NVRTC" or "cuBLASLt".</param>
/// <param name="Path">The file that was loaded (its bare name where the system's loader found it), or null where there is none.</param>
/// <param name="Tried">The folders and files that were tried, in this order, with the reason where one could not be loaded.</param>
public sealed record CudaLibrary(string Name, string? Path, IReadOnlyList<string> Tried);
