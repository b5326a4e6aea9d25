namespace HShare.AI;

/// <summary>
/// Element type of the KV cache. The 2-byte formats hold twice as many tokens in the same memory, at a small loss of exactness.
/// </summary>
public enum KvCacheFormat
{
    /// <summary>IEEE 754 single precision, 4 bytes: exact.</summary>
    Float32,

    /// <summary>IEEE 754 half precision, 2 bytes: 11 significant bits.</summary>
    Float16,

    /// <summary>bfloat16, 2 bytes: 8 significant bits, the range of float32.</summary>
    BFloat16,
}
