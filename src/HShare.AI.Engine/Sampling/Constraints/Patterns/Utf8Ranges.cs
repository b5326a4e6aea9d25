using System.Text;

namespace HShare.AI.Engine.Sampling.Constraints.Patterns;

/// <summary>Character ranges as ranges of UTF-8 bytes.</summary>
internal static class Utf8Ranges
{
    /// <summary>Adds ways through the UTF-8 of each character of a set.</summary>
    public static void Add(GrammarBuilder builder, int from, int to, CharacterSet set)
    {
        foreach ((int low, int high) in set.Ranges)
            Add(builder, from, to, low, high);
    }

    private static void Add(GrammarBuilder builder, int from, int to, int low, int high)
    {
        // First to parts with as many bytes each, then to parts where every byte has a range of its own.
        foreach (int last in (ReadOnlySpan<int>)[0x7F, 0x7FF, 0xFFFF])
        {
            if (low <= last && last < high)
            {
                Add(builder, from, to, low, last);
                Add(builder, from, to, last + 1, high);
                return;
            }
        }

        for (int mask = 0x3F; high > 0x7F && mask <= 0x3FFFF; mask = mask << 6 | 0x3F)
        {
            if ((low & ~mask) == (high & ~mask))
                break;
            if ((low & mask) != 0)
            {
                Add(builder, from, to, low, low | mask);
                Add(builder, from, to, (low | mask) + 1, high);
                return;
            }

            if ((high & mask) != mask)
            {
                Add(builder, from, to, low, (high & ~mask) - 1);
                Add(builder, from, to, high & ~mask, high);
                return;
            }
        }

        AddBytes(builder, from, to, low, high);
    }

    private static void AddBytes(GrammarBuilder builder, int from, int to, int low, int high)
    {
        Span<byte> first = stackalloc byte[4], last = stackalloc byte[4];
        int count = new Rune(low).EncodeToUtf8(first);
        new Rune(high).EncodeToUtf8(last);
        for (int i = 0; i < count; i++)
        {
            int next = i == count - 1 ? to : builder.AddState();
            builder.AddBytes(from, next, first[i], last[i]);
            from = next;
        }
    }
}
