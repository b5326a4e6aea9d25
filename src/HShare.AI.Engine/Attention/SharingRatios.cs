namespace HShare.AI.Engine.Attention;

/// <summary>
/// HShare's a-b-c: the fractions of layers, of KV heads inside a layer, and of decode steps that select tokens for themselves. Their
/// product is the fraction of all selections that is made.
/// </summary>
public sealed record SharingRatios
{
    /// <summary>Three fractions.</summary>
    /// <param name="layers">Of the layers.</param>
    /// <param name="heads">Of the KV heads of a layer.</param>
    /// <param name="steps">Of the decode steps: 1 over a whole number.</param>
    /// <exception cref="ArgumentException">The fraction of steps is not 1 over a whole number.</exception>
    public SharingRatios(SharingRatio layers, SharingRatio heads, SharingRatio steps)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(heads);
        ArgumentNullException.ThrowIfNull(steps);
        if (steps.Numerator != 1)
        {
            throw new ArgumentException(
                $"The ratio of steps is {steps}, but a refresh comes every so many whole steps: write 1, 1/2, 1/3 and so on.",
                nameof(steps));
        }

        Layers = layers;
        Heads = heads;
        Steps = steps;
    }

    /// <summary>Of the layers.</summary>
    public SharingRatio Layers { get; }

    /// <summary>Of the KV heads of a layer.</summary>
    public SharingRatio Heads { get; }

    /// <summary>Of the decode steps.</summary>
    public SharingRatio Steps { get; }

    /// <summary>Steps from one refresh to the next.</summary>
    public int Interval => Steps.Denominator;

    /// <summary>Reads "1/2-1-1/4" and the like: layers, heads, steps.</summary>
    /// <exception cref="ArgumentException">The text is not three sharing ratios; the message says which part is at fault.</exception>
    public static SharingRatios Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('-') is [string layers, string heads, string steps]
            ? new SharingRatios(SharingRatio.Parse(layers), SharingRatio.Parse(heads), SharingRatio.Parse(steps))
            : throw new ArgumentException($"'{text}' has to be three sharing ratios, layers-heads-steps, such as 3/4-1-1/2.", nameof(text));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Layers}-{Heads}-{Steps}";
}
