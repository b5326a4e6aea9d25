using System.Buffers;
using System.Text;

namespace HShare.AI.Engine.Tokenization;

/// <summary>The characters with which byte-level vocabularies (GPT-2's and all after it) write bytes.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Assign();
    private static readonly Dictionary<char, byte> Bytes = Characters.Select((c, b) => (c, b)).ToDictionary(e => e.c, e => (byte)e.b);

    /// <summary>The character that stands for a byte.</summary>
    public static char Character(byte value) => Characters[value];

    /// <summary>Writes the bytes of a token; a token that holds any other character is plain text and stands for its UTF-8 bytes.</summary>
    public static void Decode(string token, ArrayBufferWriter<byte> output)
    {
        Span<byte> bytes = output.GetSpan(Encoding.UTF8.GetMaxByteCount(token.Length));
        int count = 0;
        foreach (char c in token)
        {
            if (!Bytes.TryGetValue(c, out bytes[count++]))
            {
                count = Encoding.UTF8.GetBytes(token, bytes);
                break;
            }
        }

        output.Advance(count);
    }

    // Bytes that print stand for themselves; the others, in order, take the characters from U+0100 on.
    private static char[] Assign()
    {
        char[] characters = new char[256];
        char next = '\u0100';
        for (int value = 0; value < characters.Length; value++)
            characters[value] = value is (>= '!' and <= '~') or (>= '¡' and <= '¬') or (>= '®' and <= 'ÿ') ? (char)value : next++;
        return characters;
    }
}
