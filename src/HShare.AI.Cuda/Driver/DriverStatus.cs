using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>The driver's error numbers that are told apart, and what each means to the user.</summary>
internal static class DriverStatus
{
    /// <summary>No error.</summary>
    public const int Success = 0;

    /// <summary>The device memory is not there.</summary>
    public const int OutOfMemory = 2;

    /// <summary>No GPU.</summary>
    public const int NoDevice = 100;

    private const int InvalidImage = 200;
    private const int NoBinaryForDevice = 209;
    private const int EccUncorrectable = 214;
    private const int InvalidPtx = 218;
    private const int NvlinkUncorrectable = 220;
    private const int UnsupportedPtxVersion = 222;
    private const int InvalidSource = 300;
    private const int FileNotFound = 301;
    private const int IllegalAddress = 700;
    private const int LaunchOutOfResources = 701;
    private const int LaunchTimeout = 702;
    private const int ContextDestroyed = 709;
    private const int DeviceAssert = 710;
    private const int FirstLost = 714;
    private const int LastLost = 719;
    private const int CaptureUnsupported = 900;
    private const int CaptureInvalidated = 901;
    private const int SystemDriverMismatch = 803;

    /// <summary>Throws where a call failed.</summary>
    /// <param name="status">What the call returned.</param>
    /// <param name="what">What was attempted, as the beginning of a sentence.</param>
    /// <exception cref="CudaException">The call failed.</exception>
    public static void Check(int status, string what)
    {
        if (status != Success)
            throw CudaException.Call(what, status);
    }

    /// <summary>Whether the driver has refused an image for what it is: of another format, GPU or version.</summary>
    public static bool RefusesImage(int status) => status is
        InvalidImage or NoBinaryForDevice or InvalidPtx or UnsupportedPtxVersion or InvalidSource or FileNotFound;

    /// <summary>The driver's name and text of an error: "CUDA_ERROR_ILLEGAL_ADDRESS, an illegal memory access was encountered".</summary>
    public static string Describe(int status)
    {
        DriverApi.GetErrorName(status, out nint name);
        DriverApi.GetErrorString(status, out nint text);
        return name == 0
            ? $"CUDA error {status}"
            : $"{Marshal.PtrToStringUTF8(name)}, {(text == 0 ? "no text" : Marshal.PtrToStringUTF8(text))}";
    }

    /// <summary>What the user can do about an error.</summary>
    public static string Advice(int status) => status switch
    {
        IllegalAddress or LaunchTimeout or ContextDestroyed or DeviceAssert or (>= FirstLost and <= LastLost) =>
            "The GPU's work is lost and this process can no longer use the GPU: restart it, and report the defect.",
        EccUncorrectable or NvlinkUncorrectable =>
            "The GPU's hardware reports an error and its work is lost: restart this process, and look at `nvidia-smi -q`.",
        OutOfMemory => "Choose a smaller KV cache, context or batch, or end other programs on the GPU.",
        LaunchOutOfResources => "The kernel asks for more threads, registers or shared memory than the GPU has: report the defect.",
        InvalidImage or NoBinaryForDevice or InvalidPtx or UnsupportedPtxVersion =>
            "The driver is older than the CUDA libraries in use: update the driver, or use CUDA libraries of its version.",
        CaptureUnsupported or CaptureInvalidated => "The operation cannot be recorded into a graph: run it once before it is captured.",
        SystemDriverMismatch => "The driver's kernel module and library differ in version: restart the machine after the driver update.",
        _ => "Check the GPU with `nvidia-smi`; if it is well, report the defect.",
    };
}
