namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// An operation cut into items that may run in any order and on any thread. Instances are made once and refilled for each call,
/// so that running one allocates nothing.
/// </summary>
internal abstract class ParallelWork
{
    /// <summary>Does one item.</summary>
    /// <param name="item">Which, from 0.</param>
    /// <param name="worker">Number of the thread that does it, from 0: picks the thread's own scratch memory.</param>
    public abstract void Execute(int item, int worker);
}
