using System.Text;

namespace HShare.AI.Engine.Tokenization;

/// <summary>Turns a stream of token ids into text, holding back bytes until they make whole characters. Not thread-safe.</summary>
public sealed class IncrementalDetokenizer
{
    // At most three bytes are held back, and no byte makes more than one UTF-16 unit.
    private const int HeldBack = 4;

    private readonly TokenDecoder _decoder;
    private readonly Vocabulary _vocabulary;
    private readonly bool _skipSpecialTokens;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private bool _first = true;
    private int _toStrip;

    internal IncrementalDetokenizer(TokenDecoder decoder, Vocabulary vocabulary, bool skipSpecialTokens)
    {
        _decoder = decoder;
        _vocabulary = vocabulary;
        _skipSpecialTokens = skipSpecialTokens;
        _toStrip = decoder.MostStripped;
    }

    /// <summary>Adds a token and returns the text that is certain now, perhaps empty.</summary>
    /// <param name="id">
    /// The token. One that the vocabulary does not have adds nothing: a model may have more rows than its tokenizer has tokens.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    public string Append(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        if (_vocabulary.Token(id) is null || (_skipSpecialTokens && _vocabulary.IsSpecial(id)))
            return "";
        ReadOnlySpan<byte> bytes = _decoder.Bytes(id, _first);
        _first = false;
        return Read(bytes, flush: false);
    }

    /// <summary>Returns what was held back; bytes that never became a character come out as U+FFFD.</summary>
    public string Flush() => Read([], flush: true);

    private string Read(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> buffer = bytes.Length + HeldBack <= 256 ? stackalloc char[256] : new char[bytes.Length + HeldBack];
        ReadOnlySpan<char> text = buffer[.._utf8.GetChars(bytes, buffer, flush)];
        while (_toStrip > 0 && !text.IsEmpty)
        {
            bool strips = text[0] == _decoder.Stripped;
            _toStrip = strips ? _toStrip - 1 : 0;
            if (strips)
                text = text[1..];
        }

        return text.ToString();
    }
}
