namespace HShare.Cli.Drawing;

/// <summary>A line of a <see cref="LineChart"/>.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">Its points, in order of x.</param>
internal sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points);
