using HShare.AI.Engine.Sampling;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>Random draws one after the other, the same on every machine.</summary>
/// <param name="stream">Where they come from.</param>
internal sealed class Draws(RandomStream stream)
{
    private long _drawn;

    /// <summary>A number from 0 to below 1.</summary>
    public double Share() => stream.Uniform(_drawn++);

    /// <summary>A whole number from 0 to below a bound of at most 2^24.</summary>
    public int Below(int bound) => (int)(Share() * bound);

    /// <summary>One of several.</summary>
    public T Of<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>Different ones.</summary>
    /// <param name="count">How many; there must be as many.</param>
    /// <param name="draw">Draws one.</param>
    public static IReadOnlyList<string> Distinct(int count, Func<string> draw)
    {
        HashSet<string> drawn = [];
        List<string> inOrder = [];
        while (inOrder.Count < count)
        {
            string next = draw();
            if (drawn.Add(next))
                inOrder.Add(next);
        }

        return inOrder;
    }
}
