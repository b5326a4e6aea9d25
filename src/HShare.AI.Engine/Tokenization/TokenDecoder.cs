using System.Buffers;

namespace HShare.AI.Engine.Tokenization;

/// <summary>
/// The bytes that each token stands for. Decoding ids is joining their bytes and reading them as UTF-8, whatever malformed bytes there are
/// becoming U+FFFD as Unicode recommends: so a text can be decoded token by token.
/// </summary>
/// <remarks>
/// Byte-fallback decoders elsewhere turn a whole run of byte tokens into U+FFFD if any of it is malformed. No stream can do that without
/// holding back every such run to its end; here the well-formed characters of the run stand.
/// </remarks>
internal sealed class TokenDecoder
{
    private readonly Vocabulary _vocabulary;
    private readonly DecoderSteps _steps;

    // All tokens' bytes one after the other, and where each begins.
    private readonly byte[] _bytes;
    private readonly int[] _starts;

    /// <summary>Reads a <c>decoder</c> and applies it to every token of a vocabulary.</summary>
    public TokenDecoder(JsonPart part, Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _steps = DecoderSteps.Read(part);
        ArrayBufferWriter<byte> output = new(vocabulary.Size * 8);
        _starts = new int[vocabulary.Size + 1];
        for (int id = 0; id < vocabulary.Size; id++)
        {
            if (vocabulary.Token(id) is { } token)
                _steps.Decode(token, first: false, output);
            _starts[id + 1] = output.WrittenCount;
        }

        _bytes = output.WrittenSpan.ToArray();
    }

    /// <summary>The character of which some at the start of a text are left out.</summary>
    public char Stripped => _steps.Stripped;

    /// <summary>How many of <see cref="Stripped"/> at the start of a text are left out, if there are so many.</summary>
    public int MostStripped => _steps.MostStripped;

    /// <summary>Whether a space at the start of a text is left out.</summary>
    public bool DropsFirstSpace => _steps.FirstDiffers || (Stripped == ' ' && MostStripped > 0);

    /// <summary>The bytes of a token of the vocabulary.</summary>
    /// <param name="id">The token.</param>
    /// <param name="first">Whether it is the first of its text.</param>
    public ReadOnlySpan<byte> Bytes(int id, bool first)
    {
        if (!first || !_steps.FirstDiffers)
            return _bytes.AsSpan(_starts[id].._starts[id + 1]);
        ArrayBufferWriter<byte> output = new();
        _steps.Decode(_vocabulary.Token(id)!, first, output);
        return output.WrittenSpan;
    }
}
