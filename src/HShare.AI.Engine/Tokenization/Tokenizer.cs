using System.Text;
using System.Text.Json;

namespace HShare.AI.Engine.Tokenization;

/// <summary>Text to token ids and back, as a <c>tokenizer.json</c> says. Thread-safe.</summary>
public sealed class Tokenizer
{
    private readonly Vocabulary _vocabulary;
    private readonly AddedTokens _addedTokens;
    private readonly AddedTokens _normalizedAddedTokens;
    private readonly Normalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly BytePairEncoding _encoding;
    private readonly SpecialTokenTemplate _template;
    private readonly TokenDecoder _decoder;
    private readonly HashSet<int> _addedIds;

    // The settings "truncation" and "padding" are left aside on purpose: they are of the training run that saved the file.
    private Tokenizer(JsonPart file)
    {
        List<AddedToken> added = file.Optional("added_tokens") is null ? [] : [.. file.Items("added_tokens").Select(AddedToken.Read)];
        JsonPart model = file.Member("model");
        if (model.Optional("type") is not null && model.Type != "BPE")
            throw model.Unsupported($"the model {model.Type}");
        bool byteLevel = file.Optional("pre_tokenizer") is { } part && PreTokenizer.IsByteLevel(part);
        _vocabulary = Vocabulary.Read(model.Member("vocab"), added);
        _normalizer = file.Optional("normalizer") is { } normalizer ? Normalizer.Read(normalizer) : null;
        _preTokenizer = file.Optional("pre_tokenizer") is { } preTokenizer ? PreTokenizer.Read(preTokenizer) : null;
        _encoding = new(model, _vocabulary, byteLevel);
        _template = file.Optional("post_processor") is { } template
            ? SpecialTokenTemplate.Read(template, _vocabulary)
            : SpecialTokenTemplate.Nothing;
        _decoder = new(file.Member("decoder"), _vocabulary);
        SpecialTokens = [.. added.Where(token => token.Special).Select(token => token.Content).Distinct()];
        _addedIds = [.. added.Select(token => token.Id)];
        _addedTokens = new(added.Where(token => !token.Normalized), content => content);
        _normalizedAddedTokens = new(added.Where(token => token.Normalized), Normalize);
    }

    /// <summary>Reads a <c>tokenizer.json</c>.</summary>
    /// <exception cref="ModelLoadException">The file is missing or damaged, or uses a part that is not supported; the message names it.
    /// </exception>
    public static Tokenizer Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new(new JsonPart(path, "", document.RootElement));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException(path, $"The tokenizer cannot be read ({e.Message}). Download it with its model.", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ModelLoadException(path, $"The tokenizer is damaged JSON ({e.Message}). Download it again.", e);
        }
    }

    /// <summary>Ids from 0 to below this are valid, but for gaps that the file leaves.</summary>
    public int VocabularySize => _vocabulary.Size;

    /// <summary>The contents of the tokens that are special: begin and end of a text, borders of a turn.</summary>
    public IReadOnlyList<string> SpecialTokens { get; }

    /// <summary>
    /// Encodes plain text: added tokens that are marked special and occur in it are treated as ordinary characters, so that nobody can
    /// forge a turn by writing <c>&lt;|im_end|&gt;</c>. Nothing is put before or behind.
    /// </summary>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(text, SpecialScope.Nowhere);
    }

    /// <summary>Encodes text whose special tokens are meant: a rendered chat template. Nothing is put before or behind.</summary>
    public IReadOnlyList<int> EncodeWithSpecialTokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(text, SpecialScope.Everywhere);
    }

    /// <summary>
    /// Encodes a text made of segments, some of which may use special tokens and some not, as one text: a word may reach over a border.
    /// </summary>
    public IReadOnlyList<int> Encode(IReadOnlyList<TextSegment> segments)
    {
        ArgumentNullException.ThrowIfNull(segments);
        return Encode(string.Concat(segments.Select(segment => segment.Text)), SpecialScope.Of(segments));
    }

    /// <summary>Puts the ids the post-processor adds (begin of sequence) around an encoded text.</summary>
    public IReadOnlyList<int> AddSpecialTokens(IReadOnlyList<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return [.. _template.Before, .. ids, .. _template.Behind];
    }

    /// <summary>Decodes ids to text. Bytes that make no character come out as U+FFFD, ids without a token as nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        IncrementalDetokenizer detokenizer = CreateDetokenizer(skipSpecialTokens);
        StringBuilder text = new(ids.Count * 4);
        for (int i = 0; i < ids.Count; i++)
            text.Append(detokenizer.Append(ids[i]));
        return text.Append(detokenizer.Flush()).ToString();
    }

    /// <summary>The id of a token by its content, or null.</summary>
    public int? FindToken(string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return _vocabulary.Find(content);
    }

    /// <summary>The content of a token as the vocabulary writes it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No token has this id.</exception>
    public string GetToken(int id) => _vocabulary.Token(id)
        ?? throw new ArgumentOutOfRangeException(nameof(id), id, $"No token has this id; they are below {VocabularySize}.");

    /// <summary>Whether an id is an added token marked special.</summary>
    public bool IsSpecial(int id) => _vocabulary.IsSpecial(id);

    /// <summary>
    /// Whether an id is an added token, special or not: it stands for a mark and is not put together from smaller tokens.
    /// </summary>
    public bool IsAdded(int id) => _addedIds.Contains(id);

    /// <summary>
    /// Whether a space at the very beginning of generated text is left out of it: such vocabularies begin words with a space.
    /// </summary>
    public bool DropsFirstSpace => _decoder.DropsFirstSpace;

    /// <summary>The bytes that a token adds to a text behind others; none for an id without a token.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id) => _decoder.Bytes(id, first: false);

    /// <summary>Starts decoding a stream of ids.</summary>
    public IncrementalDetokenizer CreateDetokenizer(bool skipSpecialTokens = true) => new(_decoder, _vocabulary, skipSpecialTokens);

    private List<int> Encode(string text, SpecialScope scope)
    {
        text = WellFormed(text);
        List<int> ids = new(text.Length / 3);
        foreach (AddedTokens.Piece piece in _addedTokens.Split(text, scope))
        {
            if (piece.Id is int id)
                ids.Add(id);
            else
                EncodePiece(text.Substring(piece.Start, piece.Length), piece.Start, scope, ids);
        }

        return ids;
    }

    // A piece between two added tokens: it is normalised by itself, and some added tokens only show then.
    private void EncodePiece(string piece, int start, SpecialScope scope, List<int> ids)
    {
        string text = Normalize(piece);
        SpecialScope inside = _normalizedAddedTokens.IsEmpty
            ? SpecialScope.Nowhere
            : scope.Within(start, piece.Length, border => Normalize(piece[..border]).Length);
        List<ReadOnlyMemory<char>> words = [];
        foreach (AddedTokens.Piece part in _normalizedAddedTokens.Split(text, inside))
        {
            if (part.Id is int id)
            {
                ids.Add(id);
                continue;
            }

            words.Clear();
            ReadOnlyMemory<char> stretch = text.AsMemory(part.Start, part.Length);
            if (_preTokenizer is null)
                words.Add(stretch);
            else
                _preTokenizer.Split(stretch, start + part.Start == 0, words);
            foreach (ReadOnlyMemory<char> word in words)
                _encoding.Encode(word.Span, ids);
        }
    }

    private string Normalize(string text) => _normalizer is null ? text : _normalizer.Normalize(text);

    // Half a surrogate pair is no character, and UTF-8 has no bytes for it: U+FFFD takes its place.
    private static string WellFormed(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        StringBuilder result = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            result.Append(rune);
        return result.ToString();
    }
}
