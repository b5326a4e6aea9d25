namespace HShare.AI;

/// <summary>
/// Element type of the KV cache. The smaller formats hold more tokens in the same memory, at a loss of exactness.
/// </summary>
public enum KvCacheFormat
{
    /// <summary>What the backend computes in: float32 on the CPU, bfloat16 (or float16) on a GPU.</summary>
    Auto,

    /// <summary>IEEE 754 single precision, 4 bytes: exact.</summary>
    Float32,

    /// <summary>IEEE 754 half precision, 2 bytes: 11 significant bits.</summary>
    Float16,

    /// <summary>bfloat16, 2 bytes: 8 significant bits, the range of float32.</summary>
    BFloat16,

    /// <summary>8-bit floating point (e4m3): half of that again, on a GPU only.</summary>
    Float8,
}
