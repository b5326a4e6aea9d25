using System.Text;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>
/// Where a command reads and writes. Results go to stdout and everything else (progress, errors) to stderr, so that a result can be
/// piped on.
/// </summary>
internal sealed class Terminal
{
    /// <summary>Tables are laid out for this width where stdout is no screen.</summary>
    private const int WidthWithoutScreen = 160;

    private readonly IAnsiConsole _tables;
    private readonly IAnsiConsole _progress;

    private Terminal(TextReader input, TextWriter output, TextWriter error, bool inputIsScreen, bool outputIsScreen, bool errorIsScreen)
    {
        In = input;
        Out = output;
        Error = error;
        ReadsFromScreen = inputIsScreen;
        ShowsProgress = errorIsScreen;
        _tables = CreateConsole(output, outputIsScreen);
        _progress = CreateConsole(error, errorIsScreen);
    }

    /// <summary>stdin.</summary>
    public TextReader In { get; }

    /// <summary>stdout.</summary>
    public TextWriter Out { get; }

    /// <summary>stderr.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether somebody types the input.</summary>
    public bool ReadsFromScreen { get; }

    /// <summary>Whether somebody sees stderr.</summary>
    public bool ShowsProgress { get; }

    /// <summary>The process's own streams.</summary>
    public static Terminal OfProcess()
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new Terminal(
            Console.In, Console.Out, Console.Error, !Console.IsInputRedirected, !Console.IsOutputRedirected, !Console.IsErrorRedirected);
    }

    /// <summary>Any streams; none of them is a screen.</summary>
    public static Terminal Of(TextReader input, TextWriter output, TextWriter error) => new(input, output, error, false, false, false);

    /// <summary>Writes a table to stdout.</summary>
    public void Write(Table table) => _tables.Write(table);

    /// <summary>Runs work with a progress bar on stderr, where that is a screen; the bar goes away when the work is done.</summary>
    /// <param name="title">What is being done.</param>
    /// <param name="work">Reports its progress from 0 to 1.</param>
    public async Task<T> WithProgressAsync<T>(string title, Func<IProgress<double>, Task<T>> work)
    {
        if (!ShowsProgress)
            return await work(new Progress(null));

        return await _progress.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(bars => work(new Progress(bars.AddTask(Markup.Escape(title)))));
    }

    private static IAnsiConsole CreateConsole(TextWriter writer, bool isScreen)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isScreen ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isScreen ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isScreen)
            console.Profile.Width = WidthWithoutScreen;
        return console;
    }

    /// <summary>Moves a bar at once, on the reporting thread; <see cref="System.Progress{T}"/> may come late and out of order.</summary>
    private sealed class Progress(ProgressTask? bar) : IProgress<double>
    {
        public void Report(double value)
        {
            if (bar is not null)
                bar.Value = bar.MaxValue * value;
        }
    }
}
