using System.Text;

namespace HShare.AI.Engine.Tokenization;

/// <summary>
/// Unicode's normal form C. <see cref="string.Normalize()"/> would do where the process has ICU, but it returns its input, without a word,
/// where globalization is invariant; ids must not depend on that.
/// </summary>
internal static partial class CanonicalComposition
{
    // Below it every character is its own normal form and combines with none before it.
    private const char FirstUnstable = '\u0300';

    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TrailBefore = 0x11A7;
    private const int HangulCount = Leads * Vowels * Trails, Leads = 19, Vowels = 21, Trails = 28;

    private static readonly Dictionary<int, (int First, int Second)> Decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> Compositions = [];
    private static readonly Dictionary<int, byte> Classes = [];

    // Characters that may change when a text is composed, by themselves or with the one before.
    private static readonly HashSet<int> Unstable = [];

    static CanonicalComposition()
    {
        ReadDecompositions(Convert.FromBase64String(EncodedDecompositions));
        ReadClasses(Convert.FromBase64String(EncodedClasses));
    }

    /// <summary>The normal form C of a well-formed text.</summary>
    public static string Compose(string text)
    {
        if (IsComposed(text))
            return text;
        List<(int Value, byte Class)> characters = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Decompose(rune.Value, characters);
        Order(characters);
        Recompose(characters);
        StringBuilder result = new(text.Length);
        foreach ((int value, _) in characters)
            result.Append(new Rune(value));
        return result.ToString();
    }

    private static bool IsComposed(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstUnstable, char.MaxValue))
            return true;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value >= FirstUnstable && (Unstable.Contains(rune.Value) || IsVowelOrTrail(rune.Value)))
                return false;
        }

        return true;
    }

    private static bool IsVowelOrTrail(int value) => value is >= VowelFirst and < VowelFirst + Vowels || IsTrail(value);

    private static bool IsTrail(int value) => value is > TrailBefore and < TrailBefore + Trails;

    private static void Decompose(int value, List<(int Value, byte Class)> output)
    {
        if ((uint)(value - HangulFirst) < HangulCount)
        {
            int index = value - HangulFirst;
            output.Add((LeadFirst + index / (Vowels * Trails), 0));
            output.Add((VowelFirst + index / Trails % Vowels, 0));
            if (index % Trails != 0)
                output.Add((TrailBefore + index % Trails, 0));
        }
        else if (Decompositions.TryGetValue(value, out (int First, int Second) parts))
        {
            Decompose(parts.First, output);
            if (parts.Second != 0)
                Decompose(parts.Second, output);
        }
        else
        {
            output.Add((value, Classes.GetValueOrDefault(value)));
        }
    }

    // Combining characters behind the same base go by their classes; those of one class keep their order.
    private static void Order(List<(int Value, byte Class)> characters)
    {
        for (int start = 0; start < characters.Count; start++)
        {
            int end = start;
            while (end < characters.Count && characters[end].Class != 0)
                end++;
            if (end - start > 1)
            {
                var ordered = characters[start..end].OrderBy(character => character.Class).ToList();
                for (int i = 0; i < ordered.Count; i++)
                    characters[start + i] = ordered[i];
            }

            start = end;
        }
    }

    private static void Recompose(List<(int Value, byte Class)> characters)
    {
        int kept = 0;
        int starter = -1;
        for (int i = 0; i < characters.Count; i++)
        {
            (int value, byte combiningClass) = characters[i];

            // What stands between it and the starter blocks it, unless that is of a lower class.
            bool reaches = starter >= 0 && (kept - 1 == starter || characters[kept - 1].Class < combiningClass);
            if (reaches && Join(characters[starter].Value, value) is int joined)
            {
                characters[starter] = (joined, 0);
                continue;
            }

            if (combiningClass == 0)
                starter = kept;
            characters[kept++] = (value, combiningClass);
        }

        characters.RemoveRange(kept, characters.Count - kept);
    }

    private static int? Join(int first, int second)
    {
        if ((uint)(first - LeadFirst) < Leads && (uint)(second - VowelFirst) < Vowels)
            return HangulFirst + ((first - LeadFirst) * Vowels + second - VowelFirst) * Trails;
        if ((uint)(first - HangulFirst) < HangulCount && (first - HangulFirst) % Trails == 0 && IsTrail(second))
            return first + second - TrailBefore;
        return Compositions.TryGetValue((first, second), out int joined) ? joined : null;
    }

    private static void ReadDecompositions(ReadOnlySpan<byte> data)
    {
        int value = 0;
        while (!data.IsEmpty)
        {
            value += ReadNumber(ref data);
            int first = ReadNumber(ref data);
            bool hasSecond = (first & 2) != 0;
            bool composes = (first & 1) != 0;
            int second = hasSecond ? ReadNumber(ref data) : 0;
            Decompositions.Add(value, (first >> 2, second));
            if (composes)
                Compositions.Add((first >> 2, second), value);
            Unstable.Add(composes ? second : value);
        }
    }

    private static void ReadClasses(ReadOnlySpan<byte> data)
    {
        int value = 0;
        while (!data.IsEmpty)
        {
            value += ReadNumber(ref data);
            int last = value + ReadNumber(ref data);
            byte combiningClass = data[0];
            data = data[1..];
            for (; value <= last; value++)
            {
                Classes.Add(value, combiningClass);
                Unstable.Add(value);
            }

            value = last;
        }
    }

    private static int ReadNumber(ref ReadOnlySpan<byte> data)
    {
        int number = 0;
        int shift = 0;
        byte next;
        do
        {
            next = data[0];
            data = data[1..];
            number |= (next & 127) << shift;
            shift += 7;
        }
        while (next >= 128);
        return number;
    }
}
