using System.Buffers;
using System.Globalization;
using System.Text;

namespace HShare.AI.Engine.Tokenization;

/// <summary>What a <c>decoder</c> does to each token, and to the start of the text they make.</summary>
internal sealed class DecoderSteps
{
    private readonly List<Func<string, bool, string>> _rewrites = [];
    private bool _byteLevel;
    private bool _byteFallback;
    private bool _joined;

    private DecoderSteps()
    {
    }

    /// <summary>The character of which some at the start of a text are left out.</summary>
    public char Stripped { get; private set; }

    /// <summary>How many of <see cref="Stripped"/> at the start of a text are left out, if there are so many.</summary>
    public int MostStripped { get; private set; }

    /// <summary>Whether the first token of a text is decoded in a way of its own.</summary>
    public bool FirstDiffers { get; private set; }

    /// <summary>Reads a <c>decoder</c>.</summary>
    public static DecoderSteps Read(JsonPart part)
    {
        DecoderSteps steps = new();
        steps.Add(part);
        return steps;
    }

    /// <summary>Writes the bytes of a token.</summary>
    public void Decode(string token, bool first, ArrayBufferWriter<byte> output)
    {
        if (_byteFallback && token is ['<', '0', 'x', _, _, '>']
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
        {
            output.Write([value]);
            return;
        }

        foreach (Func<string, bool, string> rewrite in _rewrites)
            token = rewrite(token, first);
        if (_byteLevel)
            ByteAlphabet.Decode(token, output);
        else
            output.Advance(Encoding.UTF8.GetBytes(token, output.GetSpan(Encoding.UTF8.GetMaxByteCount(token.Length))));
    }

    private void Add(JsonPart part)
    {
        switch (part.Type)
        {
            case "Sequence":
                part.Items("decoders").ForEach(Add);
                break;
            case "Strip" when _joined:
                StripText(part);
                break;
            case "Fuse":
                _joined = true;
                break;
            case string type when _joined:
                throw part.Unsupported($"the decoder {type} behind one that joins the tokens");
            case "ByteLevel":
                _byteLevel = _joined = true;
                break;
            case "ByteFallback":
                _byteFallback = true;
                break;
            case "Replace":
                ReplaceInToken(CodePointPattern.Read(part.Member("pattern")), part.Text("content"));
                break;
            case "Metaspace":
                UnmarkSpaces(MetaspacePreTokenizer.ReadMark(part), MetaspacePreTokenizer.ReadHasPrefix(part));
                break;
            case "Strip":
                StripToken(ReadStripped(part), part.Integer("start"), part.Integer("stop"));
                break;
            case string type:
                throw part.Unsupported($"the decoder {type}");
        }
    }

    private void ReplaceInToken(CodePointPattern pattern, string content) => _rewrites.Add((token, _) => pattern.Replace(token, content));

    // The mark before the text was put there by encoding.
    private void UnmarkSpaces(char mark, bool hasPrefix)
    {
        FirstDiffers |= hasPrefix;
        _rewrites.Add((token, first) => token.Replace(mark.ToString(), first && hasPrefix ? "" : " "));
    }

    private void StripToken(char stripped, int start, int stop) => _rewrites.Add((token, _) =>
    {
        int from = 0;
        while (from < start && from < token.Length && token[from] == stripped)
            from++;
        int to = token.Length;
        while (to > from && token.Length - to < stop && token[to - 1] == stripped)
            to--;
        return token[from..to];
    });

    private void StripText(JsonPart part)
    {
        if (part.Integer("stop") != 0)
            throw part.Unsupported("stripping the end of a text, which no stream can do");
        if (MostStripped != 0)
            throw part.Unsupported("a second Strip");
        Stripped = ReadStripped(part);
        MostStripped = part.Integer("start");
    }

    private static char ReadStripped(JsonPart part) =>
        part.Text("content") is [char content] ? content : throw part.Member("content").Damaged("is not one character");
}
