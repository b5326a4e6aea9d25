namespace HShare.AI.Engine.Tokenization;

/// <summary>Text to token ids and back, as a <c>tokenizer.json</c> says. Thread-safe.</summary>
public sealed class Tokenizer
{
    /// <summary>Reads a <c>tokenizer.json</c>.</summary>
    /// <exception cref="ModelLoadException">The file is missing, damaged, or uses a part that is not supported; the message names it.</exception>
    public static Tokenizer Load(string path) => throw new NotImplementedException();

    /// <summary>Ids from 0 to this are valid.</summary>
    public int VocabularySize => throw new NotImplementedException();

    /// <summary>
    /// Encodes plain text: added tokens that are marked special and occur in it are treated as ordinary characters, so that nobody can
    /// forge a turn by writing <c>&lt;|im_end|&gt;</c>. Nothing is put before or behind.
    /// </summary>
    public IReadOnlyList<int> Encode(string text) => throw new NotImplementedException();

    /// <summary>Encodes text whose special tokens are meant: a rendered chat template. Nothing is put before or behind.</summary>
    public IReadOnlyList<int> EncodeWithSpecialTokens(string text) => throw new NotImplementedException();

    /// <summary>Encodes a text made of segments, some of which may use special tokens and some not, as one text (a word may reach over a border).</summary>
    public IReadOnlyList<int> Encode(IReadOnlyList<TextSegment> segments) => throw new NotImplementedException();

    /// <summary>Puts the ids the post-processor adds (begin of sequence) around an encoded text.</summary>
    public IReadOnlyList<int> AddSpecialTokens(IReadOnlyList<int> ids) => throw new NotImplementedException();

    /// <summary>Decodes ids to text.</summary>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = false) => throw new NotImplementedException();

    /// <summary>The id of a token by its content, or null.</summary>
    public int? FindToken(string content) => throw new NotImplementedException();

    /// <summary>The content of a token as the vocabulary writes it.</summary>
    public string GetToken(int id) => throw new NotImplementedException();

    /// <summary>Whether an id is an added token marked special.</summary>
    public bool IsSpecial(int id) => throw new NotImplementedException();

    /// <summary>Starts decoding a stream of ids.</summary>
    public IncrementalDetokenizer CreateDetokenizer(bool skipSpecialTokens = true) => throw new NotImplementedException();
}

/// <summary>A piece of a text to encode.</summary>
/// <param name="Text">The characters.</param>
/// <param name="SpecialTokens">Whether special tokens in it are meant, or are the plain characters a user wrote.</param>
public readonly record struct TextSegment(string Text, bool SpecialTokens);

/// <summary>Turns a stream of token ids into text, holding back bytes until they make whole characters.</summary>
public sealed class IncrementalDetokenizer
{
    /// <summary>Adds a token and returns the text that is certain now, perhaps empty.</summary>
    public string Append(int id) => throw new NotImplementedException();

    /// <summary>Returns what was held back; bytes that never became a character come out as U+FFFD.</summary>
    public string Flush() => throw new NotImplementedException();
}
