using HShare.AI.Engine.Sampling;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>One case to make.</summary>
/// <param name="Length">Its length in tokens.</param>
/// <param name="Depth">Where the answer lies, 0 = start, 1 = end; null where that means nothing.</param>
/// <param name="Number">Its number among the cases of that length, from 0.</param>
internal sealed record TaskGrid(int Length, double? Depth, int Number)
{
    private static readonly int[] DefaultLengths = [1000, 2000, 4000, 8000];
    private static readonly double[] DefaultDepths = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

    /// <summary>The cases to make for each length asked for, in order of lengths, then depths.</summary>
    /// <param name="settings">Lengths, depths, samples and limit.</param>
    /// <param name="hasDepths">Whether the task has depths.</param>
    /// <param name="samples">Cases for each length and depth, where the settings leave it to the task.</param>
    public static IEnumerable<TaskGrid> Of(TaskSettings settings, bool hasDepths, int samples)
    {
        double?[] depths = hasDepths ? [.. (settings.Depths ?? DefaultDepths).Select(depth => (double?)depth)] : [null];
        IEnumerable<double?> all = depths.SelectMany(depth => Enumerable.Repeat(depth, settings.Samples ?? samples));
        double?[] taken = [.. all.Take(settings.Limit ?? int.MaxValue)];
        return (settings.Lengths ?? DefaultLengths)
            .SelectMany(length => taken.Select((depth, number) => new TaskGrid(length, depth, number)));
    }

    /// <summary>The random draws of this case, which no other case has.</summary>
    /// <param name="seed">The user's seed.</param>
    /// <param name="task">Number of the task.</param>
    public Draws Draw(int seed, int task)
    {
        (uint low, uint high, _, _) = RandomStream.Philox((uint)Length, (uint)Number, (uint)task, 0, (uint)seed, 0);
        return new Draws(new RandomStream((long)(((ulong)high << 32) | low)));
    }
}
