using System.Runtime.CompilerServices;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// A number for each KV head, passed to a kernel by value: known when a layer's reading is bound, so nothing is copied per step.
/// </summary>
[InlineArray(Capacity)]
internal struct PerHead
{
    /// <summary>Most KV heads of a layer.</summary>
    public const int Capacity = 128;

    private int _first;
}
