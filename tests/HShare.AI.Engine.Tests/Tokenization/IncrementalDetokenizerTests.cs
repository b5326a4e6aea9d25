using System.Text;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Tokenization;

public class IncrementalDetokenizerTests
{
    private readonly Tokenizer _tokenizer = KnownTokenizers.Tiny;

    [Fact]
    public void A_character_comes_out_only_when_it_is_whole()
    {
        int[] bytes = [.. Encoding.UTF8.GetBytes("é日😀").Select(ByteToken)];
        IncrementalDetokenizer detokenizer = _tokenizer.CreateDetokenizer();
        Assert.Equal(["", "é", "", "", "日", "", "", "", "😀"], bytes.Select(detokenizer.Append));
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void Bytes_that_never_become_a_character_come_out_as_replacements()
    {
        byte[] emoji = Encoding.UTF8.GetBytes("😀");
        IncrementalDetokenizer detokenizer = _tokenizer.CreateDetokenizer();
        Assert.Equal("", string.Concat(emoji[..3].Select(value => detokenizer.Append(ByteToken(value)))));
        Assert.Equal("\uFFFDA", detokenizer.Append(ByteToken((byte)'A')));
        Assert.Equal("", detokenizer.Append(ByteToken(emoji[0])));
        Assert.Equal("\uFFFD", detokenizer.Flush());
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void Special_tokens_are_left_out_on_request_and_never_split_a_character()
    {
        int end = _tokenizer.FindToken("<|im_end|>")!.Value;
        IncrementalDetokenizer silent = _tokenizer.CreateDetokenizer(skipSpecialTokens: true);
        Assert.Equal("", silent.Append(end));
        Assert.Equal("<|im_end|>", _tokenizer.CreateDetokenizer(skipSpecialTokens: false).Append(end));
    }

    [Fact]
    public void Ids_without_a_token_add_nothing_and_negative_ones_are_refused()
    {
        IncrementalDetokenizer detokenizer = _tokenizer.CreateDetokenizer();
        Assert.Equal("", detokenizer.Append(100_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => detokenizer.Append(-1));
    }

    [Fact]
    public void Random_ids_stream_as_they_decode()
    {
        Random random = new(3);
        for (int round = 0; round < 300; round++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(_tokenizer.VocabularySize))];
            AssertStreams(_tokenizer, ids);
        }
    }

    [Theory]
    [InlineData("llama2")]
    [InlineData("phi-3-mini")]
    [InlineData("llama-3.1")]
    [InlineData("qwen3")]
    public void Other_tokenizers_stream_as_they_decode(string name)
    {
        Tokenizer tokenizer = KnownTokenizers.Shared(name);
        Random random = new(5);
        for (int round = 0; round < 100; round++)
        {
            // Mostly low ids: there the vocabularies have their bytes.
            int[] ids = [.. Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(random.Next(9) > 0 ? 300 : 30_000))];
            string text = "Two  words, 日本語 und 👩‍👩‍👧‍👦. " + TinyTokenizerTests.RandomText(random);
            AssertStreams(tokenizer, ids);
            AssertStreams(tokenizer, tokenizer.Encode(text));
        }
    }

    [Fact]
    public void SentencePiece_leading_space_is_dropped_once()
    {
        Tokenizer tokenizer = KnownTokenizers.Shared("llama2");
        int[] ids = [tokenizer.FindToken("\u2581Hello")!.Value, tokenizer.FindToken("\u2581Hello")!.Value];
        IncrementalDetokenizer detokenizer = tokenizer.CreateDetokenizer();
        Assert.Equal(["Hello", " Hello"], ids.Select(detokenizer.Append));
        Assert.Equal(" Hello", tokenizer.Decode([1, ids[0]])[3..]);
        Assert.Equal("Hello", tokenizer.Decode([1, ids[0]], skipSpecialTokens: true));
    }

    private int ByteToken(byte value) => _tokenizer.FindToken(ByteAlphabet.Character(value).ToString())!.Value;

    private static void AssertStreams(Tokenizer tokenizer, IReadOnlyList<int> ids)
    {
        foreach (bool skip in (bool[])[false, true])
        {
            IncrementalDetokenizer detokenizer = tokenizer.CreateDetokenizer(skip);
            StringBuilder text = new();
            foreach (int id in ids)
            {
                string piece = detokenizer.Append(id);
                Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])), "half a character");
                text.Append(piece);
            }

            text.Append(detokenizer.Flush());
            Assert.Equal(tokenizer.Decode(ids, skip), text.ToString());
        }
    }
}
