namespace HShare.AI.Engine.Compute;

/// <summary>Some neighbouring sequences of a step.</summary>
/// <param name="First">Index of the first one.</param>
/// <param name="Count">How many.</param>
public readonly record struct SequenceRange(int First, int Count)
{
    /// <summary>Index behind the last one.</summary>
    public int End => First + Count;
}
