using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>What a GPU is and has.</summary>
public sealed record DeviceProperties
{
    /// <summary>Its number among those that the driver shows.</summary>
    public required int Index { get; init; }

    /// <summary>"NVIDIA H100 80GB HBM3".</summary>
    public required string Name { get; init; }

    /// <summary>10 * major + minor: 90 for an H100.</summary>
    public required int ComputeCapability { get; init; }

    /// <summary>Number of streaming multiprocessors.</summary>
    public required int MultiprocessorCount { get; init; }

    /// <summary>Bytes of device memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes of the second-level cache.</summary>
    public required int L2Bytes { get; init; }

    /// <summary>The most shared memory that one block may have, in bytes (static and dynamic together).</summary>
    public required int SharedBytesPerBlock { get; init; }

    /// <summary>Bytes of shared memory of one multiprocessor, for all blocks on it.</summary>
    public required int SharedBytesPerMultiprocessor { get; init; }

    /// <summary>Bytes a second between device memory and chip at the memory's full clock; 0 where the driver does not tell.</summary>
    public required double MemoryBandwidth { get; init; }

    /// <summary>The newest CUDA version of the driver: 1000 * major + 10 * minor.</summary>
    public required int DriverVersion { get; init; }

    /// <summary>Whether a kernel may start before the one before it has ended (programmatic dependent launch), in graphs too.</summary>
    internal bool OverlapsLaunches => ComputeCapability >= 90 && DriverVersion >= 12030;

    /// <summary>Whether it has instructions that convert 8-bit floating point numbers (e4m3), as Ada, Hopper and newer do.</summary>
    internal bool ConvertsFloat8 => ComputeCapability >= 89;

    /// <summary>The properties of all GPUs that the driver shows, also of those that are too old.</summary>
    /// <exception cref="CudaException">There is no driver, it is too old, or it fails.</exception>
    public static IReadOnlyList<DeviceProperties> ReadAll()
    {
        CudaLibraries.Require(LibraryNames.Driver);
        DriverStatus.Check(DriverApi.DriverGetVersion(out int version), "Asking for the NVIDIA driver's version");
        if (version < CudaException.OldestDriver)
            throw CudaException.DriverTooOld(version);
        int status = DriverApi.Init(0);
        if (status == DriverStatus.NoDevice)
            return [];
        DriverStatus.Check(status, "Starting the NVIDIA driver");
        DriverStatus.Check(DriverApi.DeviceGetCount(out int count), "Counting the GPUs");
        return [.. Enumerable.Range(0, count).Select(index => Read(index, version))];
    }

    /// <summary>The driver's handle of a GPU.</summary>
    internal static int Handle(int index)
    {
        DriverStatus.Check(DriverApi.DeviceGet(out int device, index), "Opening the GPU");
        return device;
    }

    private static DeviceProperties Read(int index, int driverVersion)
    {
        int device = Handle(index);
        DriverStatus.Check(DriverApi.DeviceTotalMem(out nuint memory, device), "Asking for the GPU's memory");
        int major = Attribute(device, DeviceAttribute.ComputeCapabilityMajor);
        int minor = Attribute(device, DeviceAttribute.ComputeCapabilityMinor);
        double clock = Attribute(device, DeviceAttribute.MemoryClockKilohertz) * 1e3;
        return new DeviceProperties
        {
            Index = index,
            Name = ReadName(device),
            ComputeCapability = 10 * major + minor,
            MultiprocessorCount = Attribute(device, DeviceAttribute.MultiprocessorCount),
            MemoryBytes = (long)memory,
            L2Bytes = Attribute(device, DeviceAttribute.L2Bytes),
            SharedBytesPerBlock = Attribute(device, DeviceAttribute.SharedBytesPerBlockOptIn),
            SharedBytesPerMultiprocessor = Attribute(device, DeviceAttribute.SharedBytesPerMultiprocessor),
            MemoryBandwidth = 2 * clock * Attribute(device, DeviceAttribute.MemoryBusBits) / 8, // two transfers a clock
            DriverVersion = driverVersion,
        };
    }

    private static unsafe string ReadName(int device)
    {
        const int Length = 256;
        byte* name = stackalloc byte[Length];
        DriverStatus.Check(DriverApi.DeviceGetName(name, Length, device), "Asking for the GPU's name");
        return Marshal.PtrToStringUTF8((nint)name) ?? "";
    }

    private static int Attribute(int device, DeviceAttribute attribute)
    {
        DriverStatus.Check(DriverApi.DeviceGetAttribute(out int value, attribute, device), $"Asking for the GPU's {attribute}");
        return value;
    }
}
