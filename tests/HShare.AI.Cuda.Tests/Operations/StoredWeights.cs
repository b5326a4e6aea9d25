using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>The weights of a linear layer as it keeps them.</summary>
internal static class StoredWeights
{
    /// <summary>Elements [out, in] times their row's scale.</summary>
    public static float[] Read(CudaBackend backend, LinearWeight weight)
    {
        if (weight.Scales.IsNone)
            return backend.Download(weight.Data);
        float[] scales = backend.Download(weight.Scales), elements = ReadUnscaled(backend, weight);
        for (int i = 0; i < elements.Length; i++)
            elements[i] *= scales[i / weight.InFeatures];
        return elements;
    }

    /// <summary>8-bit elements [out, in] without their scales, in order.</summary>
    public static float[] ReadUnscaled(CudaBackend backend, LinearWeight weight)
    {
        byte[] bytes = new byte[weight.Data.ByteCount];
        backend.Read<byte>(weight.Data, bytes);
        float[] elements = new float[bytes.Length];
        for (int i = 0; i < bytes.Length; i += 4)
        {
            for (int j = 0; j < 4; j++)
            {
                byte stored = bytes[i + (j == 1 ? 2 : j == 2 ? 1 : j)]; // k0 k2 k1 k3
                int magnitude = stored & 0x7f;
                elements[i + j] = weight.Data.Type == DType.Float8 ? TensorBits.Float8(stored) : stored < 0x80 ? magnitude : -magnitude;
            }
        }

        return elements;
    }
}
