namespace HShare.AI.Engine.Compute;

/// <summary>
/// The critical tokens that leaders have chosen, and which of these lists each KV head of a layer reads. A read also covers the sinks and
/// the
/// window, which are not part of a list: they follow from the present context (<see cref="StepTensors.WindowStarts"/>).
/// </summary>
/// <param name="Indices">
/// int32 [slots * units, tokens]: positions, ascending, padded with -1; the list of a sequence in slot s and of unit u (a KV head of a
/// layer) is
/// row s * units + u.
/// </param>
/// <param name="Units">Lists of a slot: layers * kv_heads, and one that stays empty.</param>
/// <param name="Sources">[kv_heads]: the unit whose list each head of this layer reads, and, where it asks for itself, writes.</param>
/// <param name="Sinks">First tokens that are always read.</param>
public sealed record SelectedTokens(Tensor Indices, int Units, IReadOnlyList<int> Sources, int Sinks);
