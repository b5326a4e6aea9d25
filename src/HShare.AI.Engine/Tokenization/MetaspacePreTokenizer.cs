namespace HShare.AI.Engine.Tokenization;

/// <summary>Writes spaces as a mark, as SentencePiece does, and puts one before the text where asked for.</summary>
internal sealed class MetaspacePreTokenizer : PreTokenizer
{
    private readonly char _mark;
    private readonly Prefix _prefix;
    private readonly SplitPreTokenizer? _split;

    private MetaspacePreTokenizer(char mark, Prefix prefix, bool split)
    {
        _mark = mark;
        _prefix = prefix;
        _split = split ? new(CodePointPattern.Literal(mark.ToString()), SplitBehavior.MergedWithNext, invert: false) : null;
    }

    // Which texts get a mark before them.
    private enum Prefix
    {
        None,
        TheFirst,
        Every,
    }

    /// <summary>Reads the part.</summary>
    public static new MetaspacePreTokenizer Read(JsonPart part) => new(ReadMark(part), ReadPrefix(part), part.Flag("split", absent: true));

    /// <summary>The mark that stands for a space in this part.</summary>
    public static char ReadMark(JsonPart part) =>
        part.Text("replacement") is [char mark] ? mark : throw part.Member("replacement").Damaged("is not one character");

    /// <summary>Whether this part puts a mark before a text, so that decoding takes it away.</summary>
    public static bool ReadHasPrefix(JsonPart part) => ReadPrefix(part) != Prefix.None;

    /// <inheritdoc/>
    public override void Split(ReadOnlyMemory<char> text, bool atStart, List<ReadOnlyMemory<char>> words)
    {
        string marked = text.ToString().Replace(' ', _mark);
        if ((_prefix == Prefix.Every || (_prefix == Prefix.TheFirst && atStart)) && marked[0] != _mark)
            marked = _mark + marked;
        if (_split is null)
            words.Add(marked.AsMemory());
        else
            _split.Split(marked.AsMemory(), atStart, words);
    }

    private static Prefix ReadPrefix(JsonPart part)
    {
        // Older files say add_prefix_space instead.
        if (part.Optional("prepend_scheme") is null)
            return part.Flag("add_prefix_space", absent: true) ? Prefix.Every : Prefix.None;
        return part.Text("prepend_scheme") switch
        {
            "always" => Prefix.Every,
            "first" => Prefix.TheFirst,
            "never" => Prefix.None,
            string scheme => throw part.Member("prepend_scheme").Unsupported($"the scheme {scheme}"),
        };
    }
}
