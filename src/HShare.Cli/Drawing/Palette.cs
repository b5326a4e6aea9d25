namespace HShare.Cli.Drawing;

/// <summary>The colours of all drawings: dark on a white card, so that they read the same on a light and on a dark page.</summary>
internal static class Palette
{
    /// <summary>The card.</summary>
    public const string Card = "#ffffff";

    /// <summary>Ordinary text.</summary>
    public const string Ink = "#1f2937";

    /// <summary>Numbers at axes, notes.</summary>
    public const string Faint = "#4a5568";

    /// <summary>Frames.</summary>
    public const string Frame = "#9aa5b1";

    /// <summary>Lines of a grid.</summary>
    public const string Grid = "#e3e8ee";

    /// <summary>An empty field.</summary>
    public const string Empty = "#f4f6f8";

    /// <summary>Strong colours that differ from their neighbours in hue and in lightness, and carry white text.</summary>
    private static readonly string[] Strong =
    [
        "#2b6cb0", "#c05621", "#2f855a", "#b83280", "#6b46c1", "#0f766e", "#b7791f", "#c53030", "#0284c7", "#5a7d1f", "#8b5a2b",
    ];

    /// <summary>The same colours on the way to white, to carry dark text.</summary>
    private static readonly string[] Tints = [.. Strong.Select(color => Mix(Card, color, 0.24))];

    /// <summary>From hardly to most, for weights.</summary>
    private static readonly string[] Heat = ["#cfe3f5", "#9ecae1", "#6baed6", "#fdae6b", "#f16913", "#a63603"];

    /// <summary>How many strong colours there are.</summary>
    public static int Count => Strong.Length;

    /// <summary>How many steps <see cref="HeatAt"/> tells apart.</summary>
    public static int HeatLevels => Heat.Length;

    /// <summary>The strong colour of the thing with a number; numbers beyond the palette begin anew.</summary>
    public static string StrongOf(int index) => Strong[index % Strong.Length];

    /// <summary>The light colour of the thing with a number.</summary>
    public static string TintOf(int index) => Tints[index % Tints.Length];

    /// <summary>The colour of a weight.</summary>
    /// <param name="level">0, the least, to <see cref="HeatLevels"/> - 1.</param>
    public static string HeatAt(int level) => Heat[level];

    /// <summary>A colour between two.</summary>
    /// <param name="from">The colour at 0, as #rrggbb.</param>
    /// <param name="to">The colour at 1, as #rrggbb.</param>
    /// <param name="share">How far to go, 0 to 1.</param>
    private static string Mix(string from, string to, double share)
    {
        return $"#{Part(1):x2}{Part(3):x2}{Part(5):x2}";

        int Part(int at)
        {
            int a = Convert.ToInt32(from.Substring(at, 2), 16), b = Convert.ToInt32(to.Substring(at, 2), 16);
            return (int)Math.Round(a + ((b - a) * share));
        }
    }
}
