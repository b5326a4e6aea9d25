using System.Text;
using System.Text.Json;

namespace HShare.AI.Engine.Tests.Tokenization;

/// <summary>Merging against its definition: look for the best pair anew after each merge, over the whole text.</summary>
public class BytePairEncodingTests
{
    [Fact]
    public void Ids_equal_those_of_merging_by_the_book()
    {
        string path = TestFiles.Shared("assets", "models", "stories260K-hf", "tokenizer.json");
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement model = file.RootElement.GetProperty("model");
        Dictionary<(string, string), int> ranks = [];
        foreach (JsonElement merge in model.GetProperty("merges").EnumerateArray())
        {
            string[] pair = merge.GetString()!.Split(' ');
            ranks.Add((pair[0], pair[1]), ranks.Count);
        }

        Random random = new(11);
        for (int round = 0; round < 300; round++)
        {
            string text = RandomText(random);
            IEnumerable<int> expected = MergeByTheBook(text, ranks, model.GetProperty("vocab"));
            Assert.Equal(expected, KnownTokenizers.Stories260K.Encode(text));
        }
    }

    // Words of the vocabulary's kind with doubled and missing spaces, marks, and characters that only bytes can write.
    private static string RandomText(Random random)
    {
        string[] parts = ["the", "there", "once", " ", "  ", " ", "and", "said", "\u2581", "é", "😀", "ing", "aaa", "\n", ".", "L"];
        return string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => parts[random.Next(parts.Length)]));
    }

    private static IEnumerable<int> MergeByTheBook(string text, Dictionary<(string, string), int> ranks, JsonElement vocabulary)
    {
        List<string> tokens = [];
        foreach (Rune rune in ("\u2581" + text.Replace(' ', '\u2581')).EnumerateRunes())
        {
            if (vocabulary.TryGetProperty(rune.ToString(), out _))
                tokens.Add(rune.ToString());
            else
                tokens.AddRange(Encoding.UTF8.GetBytes(rune.ToString()).Select(value => $"<0x{value:X2}>"));
        }

        while (true)
        {
            int best = Enumerable.Range(0, tokens.Count - 1).Where(i => ranks.ContainsKey((tokens[i], tokens[i + 1])))
                .OrderBy(i => ranks[(tokens[i], tokens[i + 1])]).ThenBy(i => i).FirstOrDefault(-1);
            if (best < 0)
                return [.. tokens.Select(token => vocabulary.GetProperty(token).GetInt32())];
            tokens[best] += tokens[best + 1];
            tokens.RemoveAt(best + 1);
        }
    }
}
