using System.Runtime.InteropServices;
using HShare.AI.Cuda.Driver;

namespace HShare.AI.Cuda.Tests.Testing;

/// <summary>Values to and from device memory.</summary>
internal static class RuntimeData
{
    /// <summary>New device memory that holds these values.</summary>
    public static nint Upload<T>(this CudaRuntime cuda, params ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        nint address = cuda.Allocate(bytes.Length);
        cuda.CopyToDevice(address, bytes);
        return address;
    }

    /// <summary>What device memory holds, after all work.</summary>
    public static T[] Download<T>(this CudaRuntime cuda, nint address, int count)
        where T : unmanaged
    {
        T[] values = new T[count];
        cuda.CopyToHost(MemoryMarshal.AsBytes(values.AsSpan()), address);
        return values;
    }
}
