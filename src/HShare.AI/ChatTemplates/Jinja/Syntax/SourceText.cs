namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>A template's characters as Jinja reads them: newlines are <c>\n</c>, and one newline at the very end is dropped.</summary>
internal sealed class SourceText
{
    private readonly List<int> _lineStarts = [0];

    public SourceText(string source)
    {
        string characters = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        Characters = characters.EndsWith('\n') ? characters[..^1] : characters;
        for (int newline = Characters.IndexOf('\n'); newline >= 0; newline = Characters.IndexOf('\n', newline + 1))
            _lineStarts.Add(newline + 1);
    }

    public string Characters { get; }

    public SourcePosition At(int offset)
    {
        int line = _lineStarts.BinarySearch(offset);
        line = line >= 0 ? line : ~line - 1;
        return new SourcePosition(line + 1, offset - _lineStarts[line] + 1);
    }
}
