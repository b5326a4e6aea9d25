using System.Globalization;

namespace HShare.Cli.Drawing;

/// <summary>A position of the context that was read, and the attention it got.</summary>
/// <param name="Position">The token, from 0.</param>
/// <param name="Weight">Attention, 0 to 1; a token that is read may get none.</param>
internal readonly record struct ReadToken(int Position, double Weight);

/// <summary>A row of a <see cref="HeatStrip"/>: a layer, or a decode step.</summary>
/// <param name="Name">Its name, at the left.</param>
/// <param name="Read">The tokens it read; all others stay empty.</param>
internal sealed record HeatRow(string Name, IReadOnlyList<ReadToken> Read);

/// <summary>
/// Which tokens of the context were read, and with what weight: a row for each layer or step, x is the position. Where several tokens fall
/// on a pixel it shows the greatest weight, so that a lone token never vanishes.
/// </summary>
internal sealed record HeatStrip
{
    private const int FrameWidth = 800;

    /// <summary>A level of colour is this factor of weight.</summary>
    private const double LevelFactor = 4;

    /// <summary>Least width of what is drawn, pixels: a token among ten thousand is still seen.</summary>
    private const int LeastWidth = 2;

    /// <summary>Heading of the card.</summary>
    public required string Title { get; init; }

    /// <summary>What a row is: "layer" or "step".</summary>
    public required string RowName { get; init; }

    /// <summary>Tokens of the context, the last query's own included.</summary>
    public required int Context { get; init; }

    /// <summary>The rows, from above.</summary>
    public required IReadOnlyList<HeatRow> Rows { get; init; }

    /// <summary>First tokens that are always read; marked above the rows.</summary>
    public int Sinks { get; init; }

    /// <summary>Most recent tokens that are always read; marked above the rows.</summary>
    public int Window { get; init; }

    private double RowHeight => Rows.Count switch { <= 16 => 20, <= 40 => 14, <= 96 => 8, _ => 4 };

    /// <summary>Draws it.</summary>
    /// <returns>An SVG file.</returns>
    /// <exception cref="ArgumentException">No rows or no tokens; a token outside the context, or without a weight.</exception>
    public string ToSvg()
    {
        Check();
        double left = Math.Max(70, 52 + TextWidth.OfWidest(Rows.Select(row => row.Name), ChartFrame.SmallFont));
        var frame = new ChartFrame(left, 78, FrameWidth, RowHeight * Rows.Count);
        var canvas = new SvgCanvas(Math.Max(frame.Right + 36, TextWidth.Of(Title, 16) + 40), frame.Bottom + 92, Title);
        double greatest = Rows.SelectMany(row => row.Read).Select(token => token.Weight).DefaultIfEmpty().Max();

        ChartFrame.DrawTitle(canvas, Title);
        canvas.Rect(frame.Left, frame.Top, frame.Width, frame.Height, Palette.Empty);
        for (int row = 0; row < Rows.Count; row++)
            DrawRow(canvas, frame, Rows[row], frame.Top + (row * RowHeight), greatest);
        DrawSurroundings(canvas, frame);
        DrawAlwaysRead(canvas, frame);
        DrawLegend(canvas, frame, greatest);
        return canvas.ToString();
    }

    private void Check()
    {
        if (Context < 1 || Rows.Count == 0)
            throw Wrong($"The strip '{Title}' has {Rows.Count} rows of {Context} tokens; both must be at least 1.");
        foreach (HeatRow row in Rows)
        {
            foreach (ReadToken token in row.Read)
            {
                if ((uint)token.Position >= (uint)Context)
                    throw Wrong($"{RowName} {row.Name} reads token {token.Position} of a context of {Context} tokens.");
                if (!(token.Weight >= 0) || double.IsInfinity(token.Weight))
                    throw Wrong($"{RowName} {row.Name} gives token {token.Position} the weight {token.Weight}.");
            }
        }

        static ArgumentException Wrong(string message) => new(message, nameof(Rows));
    }

    private void DrawRow(SvgCanvas canvas, ChartFrame frame, HeatRow row, double top, double greatest)
    {
        using SvgCanvas.Group group = canvas.InGroup("row");
        int[] levels = Levels(row, greatest);
        for (int from = 0; from < levels.Length;)
        {
            int to = from + 1;
            while (to < levels.Length && levels[to] == levels[from])
                to++;
            if (levels[from] >= 0)
                canvas.Rect(frame.Left + from, top + 0.5, to - from, RowHeight - 1, Palette.HeatAt(levels[from]));
            from = to;
        }
    }

    /// <summary>The level of colour of each pixel of a row, -1 where nothing is read.</summary>
    private int[] Levels(HeatRow row, double greatest)
    {
        int[] levels = new int[FrameWidth];
        Array.Fill(levels, -1);
        foreach (ReadToken token in row.Read)
        {
            int level = LevelOf(token.Weight, greatest);
            int from = Math.Min(Pixel(token.Position), FrameWidth - LeastWidth);
            int to = Math.Max(Pixel(token.Position + 1), from + LeastWidth);
            for (int pixel = from; pixel < to; pixel++)
                levels[pixel] = Math.Max(levels[pixel], level);
        }

        return levels;
    }

    private int Pixel(int position) => (int)((long)position * FrameWidth / Context);

    private static int LevelOf(double weight, double greatest)
    {
        if (weight <= 0)
            return 0;
        double below = Math.Log(greatest / weight, LevelFactor);
        return below >= Palette.HeatLevels - 1 ? 0 : Palette.HeatLevels - 1 - (int)below;
    }

    private void DrawSurroundings(SvgCanvas canvas, ChartFrame frame)
    {
        using SvgCanvas.Group group = canvas.InGroup("axes");
        canvas.Rect(frame.Left, frame.Top, frame.Width, frame.Height, "none", Palette.Frame);
        var axis = Axis.Linear([0, Context], NumberForm.Plain, frame.Left, frame.Right, roundEnds: false);
        foreach (double tick in axis.Ticks)
        {
            double x = axis.At(tick);
            canvas.Line(x, frame.Bottom, x, frame.Bottom + 5, Palette.Frame);
            canvas.Text(x, frame.Bottom + 20, NumberForm.Plain.Write(tick), Anchor.Middle, ChartFrame.SmallFont, Palette.Faint);
        }

        canvas.Text(frame.Left + (frame.Width / 2), frame.Bottom + 42, "position in the context, tokens", Anchor.Middle);
        canvas.Text(24, frame.Top + (frame.Height / 2), RowName, Anchor.Middle, turned: true);
        int stride = (int)Math.Ceiling(13 / RowHeight); // as many names as have room
        for (int row = 0; row < Rows.Count; row += stride)
        {
            double middle = frame.Top + ((row + 0.5) * RowHeight);
            canvas.Text(frame.Left - 8, middle + 4, Rows[row].Name, Anchor.End, ChartFrame.SmallFont, Palette.Faint);
        }
    }

    /// <summary>Brackets above the rows, sinks at the left, window at the right.</summary>
    private void DrawAlwaysRead(SvgCanvas canvas, ChartFrame frame)
    {
        using SvgCanvas.Group group = canvas.InGroup("always");
        double y = frame.Top - 8;
        if (Sinks > 0)
        {
            double width = Math.Max(4, Math.Min(Sinks, Context) * frame.Width / Context);
            canvas.Rect(frame.Left, y, width, 5, Palette.StrongOf(0));
            string text = $"sinks: first {NumberForm.Plain.Write(Sinks)}";
            canvas.Text(frame.Left, y - 6, text, Anchor.Start, ChartFrame.SmallFont, Palette.StrongOf(0));
        }

        if (Window > 0)
        {
            double width = Math.Max(4, Math.Min(Window, Context) * frame.Width / Context);
            canvas.Rect(frame.Right - width, y, width, 5, Palette.StrongOf(2));
            string text = $"window: last {NumberForm.Plain.Write(Window)}";
            canvas.Text(frame.Right, y - 6, text, Anchor.End, ChartFrame.SmallFont, Palette.StrongOf(2));
        }
    }

    private static void DrawLegend(SvgCanvas canvas, ChartFrame frame, double greatest)
    {
        using SvgCanvas.Group group = canvas.InGroup("legend");
        double x = frame.Left, y = frame.Bottom + 62;
        Entry(Palette.Empty, "not read");
        for (int level = 0; level < Palette.HeatLevels; level++)
        {
            double bound = greatest / Math.Pow(LevelFactor, Palette.HeatLevels - 1 - level);
            Entry(Palette.HeatAt(level), $"to {Short(bound)}");
        }

        canvas.Text(x, y + 11, "of the attention", size: ChartFrame.SmallFont, fill: Palette.Faint);

        void Entry(string color, string text)
        {
            canvas.Rect(x, y, 14, 14, color, Palette.Frame);
            canvas.Text(x + 19, y + 11, text, size: ChartFrame.SmallFont, fill: Palette.Faint);
            x += 19 + TextWidth.Of(text, ChartFrame.SmallFont) + 12;
        }
    }

    /// <summary>A share with three digits that count.</summary>
    private static string Short(double share)
    {
        int digits = share > 0 ? Math.Clamp(2 - (int)Math.Floor(Math.Log10(share * 100)), 0, 9) : 0;
        return Math.Round(share * 100, digits).ToString("0.#########", CultureInfo.InvariantCulture) + " %";
    }
}
