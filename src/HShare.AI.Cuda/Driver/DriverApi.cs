using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>
/// The functions of the CUDA driver that are used, under their names without "cu"; where the driver's binary interface has a second
/// version of one, that. Each returns 0 or an error number (<see cref="DriverStatus"/>).
/// </summary>
internal static unsafe partial class DriverApi
{
    /// <summary>The name that <see cref="CudaLibraries"/> resolves.</summary>
    public const string Library = "cuda";

    /// <summary>Flag of <see cref="StreamCreate"/>: does not wait for the default stream.</summary>
    public const uint StreamNonBlocking = 1;

    /// <summary>Flag of <see cref="EventCreate"/>: an event that only orders, which is cheaper.</summary>
    public const uint EventDisableTiming = 2;

    /// <summary>Flag of <see cref="MemHostAlloc"/>: page-locked for every context.</summary>
    public const uint HostAllocPortable = 1;

    /// <summary>Mode of <see cref="StreamBeginCapture"/>: calls that cannot be captured are errors on the capturing thread alone.</summary>
    public const int CaptureThreadLocal = 1;

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDriverGetVersion")]
    public static partial int DriverGetVersion(out int version);

    [LibraryImport(Library, EntryPoint = "cuGetErrorName")]
    public static partial int GetErrorName(int error, out nint text);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    public static partial int GetErrorString(int error, out nint text);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    public static partial int DeviceGetCount(out int count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    public static partial int DeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial int DeviceTotalMem(out nuint bytes, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int DeviceGetAttribute(out int value, DeviceAttribute attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int DevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial int DevicePrimaryCtxRelease(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int CtxSetCurrent(nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial int MemGetInfo(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial int MemAlloc(out nint address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial int MemFree(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemHostAlloc")]
    public static partial int MemHostAlloc(out nint address, nuint bytes, uint flags);

    [LibraryImport(Library, EntryPoint = "cuMemFreeHost")]
    public static partial int MemFreeHost(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemsetD8Async")]
    public static partial int MemsetD8Async(nint address, byte value, nuint count, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int MemcpyHtoDAsync(nint destination, nint host, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int MemcpyDtoHAsync(nint host, nint source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    public static partial int MemcpyDtoDAsync(nint destination, nint source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    public static partial int StreamCreate(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial int StreamDestroy(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial int StreamSynchronize(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int StreamBeginCapture(nint stream, int mode);

    [LibraryImport(Library, EntryPoint = "cuStreamEndCapture")]
    public static partial int StreamEndCapture(nint stream, out nint graph);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial int EventCreate(out nint handle, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial int EventDestroy(nint handle);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial int EventRecord(nint handle, nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventSynchronize")]
    public static partial int EventSynchronize(nint handle);

    [LibraryImport(Library, EntryPoint = "cuEventElapsedTime")]
    public static partial int EventElapsedTime(out float milliseconds, nint start, nint end);

    [LibraryImport(Library, EntryPoint = "cuGraphGetNodes")]
    public static partial int GraphGetNodes(nint graph, nint* nodes, ref nuint count);

    [LibraryImport(Library, EntryPoint = "cuGraphInstantiateWithFlags")]
    public static partial int GraphInstantiateWithFlags(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuGraphLaunch")]
    public static partial int GraphLaunch(nint executable, nint stream);

    [LibraryImport(Library, EntryPoint = "cuGraphExecDestroy")]
    public static partial int GraphExecDestroy(nint executable);

    [LibraryImport(Library, EntryPoint = "cuGraphDestroy")]
    public static partial int GraphDestroy(nint graph);

    [LibraryImport(Library, EntryPoint = "cuModuleLoadData")]
    public static partial int ModuleLoadData(out nint module, byte* image);

    [LibraryImport(Library, EntryPoint = "cuModuleUnload")]
    public static partial int ModuleUnload(nint module);

    [LibraryImport(Library, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport(Library, EntryPoint = "cuFuncGetAttribute")]
    public static partial int FuncGetAttribute(out int value, FunctionAttribute attribute, nint function);

    [LibraryImport(Library, EntryPoint = "cuFuncSetAttribute")]
    public static partial int FuncSetAttribute(nint function, FunctionAttribute attribute, int value);

    [LibraryImport(Library, EntryPoint = "cuLaunchKernelEx")]
    public static partial int LaunchKernelEx(LaunchConfiguration* configuration, nint function, void** parameters, void** extra);
}

/// <summary>Numbers of a device's properties (CUdevice_attribute).</summary>
internal enum DeviceAttribute
{
    MultiprocessorCount = 16,
    MemoryClockKilohertz = 36,
    MemoryBusBits = 37,
    L2Bytes = 38,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    SharedBytesPerMultiprocessor = 81,
    SharedBytesPerBlockOptIn = 97,
}

/// <summary>Numbers of a kernel's properties (CUfunction_attribute).</summary>
internal enum FunctionAttribute
{
    MaxThreadsPerBlock = 0,
    SharedBytes = 1,
    MaxDynamicSharedBytes = 8,
    SharedCarveout = 9,
}

/// <summary>How a kernel is launched (CUlaunchConfig).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LaunchConfiguration
{
    public uint GridX;
    public uint GridY;
    public uint GridZ;
    public uint BlockX;
    public uint BlockY;
    public uint BlockZ;
    public uint SharedBytes;
    public nint Stream;
    public LaunchAttribute* Attributes;
    public uint AttributeCount;
}

/// <summary>One property of a launch (CUlaunchAttribute): its number, and a value in a union of 64 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal struct LaunchAttribute
{
    /// <summary>The kernel may start before the one before it in the stream has ended; value 1.</summary>
    public const int ProgrammaticStreamSerialization = 6;

    [FieldOffset(0)]
    public int Id;

    [FieldOffset(8)]
    public int Value;
}
