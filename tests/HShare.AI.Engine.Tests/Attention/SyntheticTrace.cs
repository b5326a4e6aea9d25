using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

/// <summary>Traces with a planted structure.</summary>
internal static class SyntheticTrace
{
    /// <summary>
    /// Units of one theme attend to the same tokens, besides some noise of their own. Pages and labels are what ideal retrievers would
    /// think.
    /// </summary>
    /// <param name="layers">Layers.</param>
    /// <param name="kvHeads">KV heads of a layer.</param>
    /// <param name="themeOf">The theme of a unit.</param>
    /// <param name="noise">Share of the mass that goes to random tokens.</param>
    /// <param name="context">Tokens at the first step.</param>
    /// <param name="steps">Steps.</param>
    /// <param name="peaks">Tokens that a theme attends to.</param>
    /// <param name="seed">Seed of everything random.</param>
    public static AttentionTrace Themes(
        int layers, int kvHeads, Func<int, int> themeOf, double noise = 0.1, int context = 200, int steps = 6, int peaks = 8, int seed = 1)
    {
        Random random = new(seed);
        Dictionary<int, int[]> themes = [];
        return Of(layers, kvHeads, context, steps, (unit, _, now) =>
        {
            if (!themes.TryGetValue(themeOf(unit), out int[]? positions))
                themes[themeOf(unit)] = positions = [.. Enumerable.Range(0, peaks).Select(_ => random.Next(8, context - 32))];
            float[] mass = Uniform(now);
            foreach (int position in positions)
                mass[position] += (float)((1 - noise) / peaks);
            for (int i = 0; i < peaks; i++)
                mass[random.Next(now)] += (float)(noise / peaks);
            return mass;
        });
    }

    /// <summary>Each unit copies: it attends to one token, one further at each step.</summary>
    public static AttentionTrace Copying(int layers, int kvHeads, int context, int steps) =>
        Of(layers, kvHeads, context, steps, (unit, step, now) =>
        {
            float[] mass = Uniform(now);
            mass[40 + 30 * unit + step] += 1;
            return mass;
        });

    /// <summary>A trace whose mass a function gives, not yet normalised, for a unit, a step and a context.</summary>
    public static AttentionTrace Of(int layers, int kvHeads, int context, int steps, Func<int, int, int, float[]> massOf)
    {
        List<AttentionTraceStep> all = [];
        for (int step = 0; step < steps; step++)
        {
            float[][] mass = [.. Enumerable.Range(0, layers * kvHeads).Select(unit => Normalized(massOf(unit, step, context + step)))];
            float[][] pages = [.. mass.Select(row => row.Chunk(16).Select(page => page.Max()).ToArray())];
            all.Add(new AttentionTraceStep(context + step, mass, pages, Labels: mass));
        }

        return new AttentionTrace(layers, kvHeads, all);
    }

    private static float[] Uniform(int count) => [.. Enumerable.Repeat(1e-4f, count)];

    private static float[] Normalized(float[] mass)
    {
        float sum = mass.Sum();
        return [.. mass.Select(value => value / sum)];
    }
}
