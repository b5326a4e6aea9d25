using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>The one look of all tables: a name at the left, numbers at the right, texts taken as they are.</summary>
internal static class Tables
{
    /// <summary>An empty table.</summary>
    /// <param name="name">Heading of the first column.</param>
    /// <param name="numbers">Headings of columns of numbers.</param>
    public static Table Create(string name, params IReadOnlyList<string> numbers)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn(Markup.Escape(name)));
        table.AddNumberColumns(numbers);
        return table;
    }

    /// <summary>Adds columns of numbers.</summary>
    public static void AddNumberColumns(this Table table, params IReadOnlyList<string> headings)
    {
        foreach (string heading in headings)
            table.AddColumn(new TableColumn(Markup.Escape(heading)).RightAligned());
    }

    /// <summary>Adds a row of texts that hold no markup.</summary>
    public static void AddTextRow(this Table table, IEnumerable<string> cells) => table.AddRow([.. cells.Select(cell => new Text(cell))]);
}
