using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Tokenization;

/// <summary>The tokenizers that the tests read, each loaded once.</summary>
internal static class KnownTokenizers
{
    private static readonly ConcurrentDictionary<string, Lazy<Tokenizer>> Loaded = new();

    public static Tokenizer Tiny => Get("tiny", () => Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json")));

    /// <summary>A tokenizer of <c>assets/tokenizers</c>.</summary>
    public static Tokenizer Shared(string name)
    {
        string path = TestFiles.Shared("assets", "tokenizers", name, "tokenizer.json");
        return Get(name, () => Tokenizer.Load(path));
    }

    public static Tokenizer Stories260K
    {
        get
        {
            string path = TestFiles.Shared("assets", "models", "stories260K-hf", "tokenizer.json");
            return Get("stories260K", () => Tokenizer.Load(path));
        }
    }

    /// <summary>
    /// Llama 2's with the no-break spaces back in it: in the copy at hand they have become spaces, in four tokens and three merges.
    /// Phi-3's tokenizer.json, of the same vocabulary, still has them.
    /// </summary>
    public static Tokenizer Llama2Restored
    {
        get
        {
            JsonNode file = JsonNode.Parse(File.ReadAllText(TestFiles.Shared("assets", "tokenizers", "llama2", "tokenizer.json")))!;
            return Get("llama2-restored", () => LoadText(RestoreNoBreakSpaces(file).ToJsonString()));
        }
    }

    /// <summary>
    /// GPT-2's, put together from vocabulary and merges. The vocabulary at hand lacks the last merged token, " gazed" (50255), and so has
    /// the end of text one too low.
    /// </summary>
    public static Tokenizer Gpt2
    {
        get
        {
            string vocabulary = File.ReadAllText(TestFiles.Shared("assets", "tokenizers", "gpt2", "gpt2-vocab.json"));
            string[] merges = File.ReadAllLines(TestFiles.Shared("assets", "tokenizers", "gpt2", "gpt2-merges.txt"));
            return Get("gpt2", () => LoadText(Gpt2File(vocabulary, merges)));
        }
    }

    /// <summary>Loads a tokenizer from the text of a tokenizer.json.</summary>
    public static Tokenizer LoadText(string json)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            return Tokenizer.Load(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static Tokenizer Get(string name, Func<Tokenizer> load) => Loaded.GetOrAdd(name, _ => new(load)).Value;

    private static JsonNode RestoreNoBreakSpaces(JsonNode file)
    {
        JsonObject vocabulary = file["model"]!["vocab"]!.AsObject();
        foreach ((string token, JsonNode? id) in vocabulary.ToList().Where(entry => entry.Key.Contains(' ')))
        {
            vocabulary.Remove(token);
            vocabulary.Add(token.Replace(' ', '\u00A0'), id!.DeepClone());
        }

        JsonArray merges = file["model"]!["merges"]!.AsArray();
        for (int i = 0; i < merges.Count; i++)
        {
            merges[i] = merges[i]!.GetValue<string>() switch
            {
                "   " => "\u00A0 \u00A0",
                "     " => "\u00A0\u00A0 \u00A0\u00A0",
                "\u2581  " => "\u2581 \u00A0",
                string merge => merge,
            };
        }

        return file;
    }

    private static string Gpt2File(string vocabulary, string[] merges)
    {
        Dictionary<string, int> ids = JsonSerializer.Deserialize<Dictionary<string, int>>(vocabulary)!;
        ids.Remove("<|endoftext|>");
        ids.Add("Ġgazed", 50255);
        return JsonSerializer.Serialize(new
        {
            added_tokens = new[] { new { id = 50256, content = "<|endoftext|>", special = true, normalized = false } },
            pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false },
            post_processor = new { type = "ByteLevel" },
            decoder = new { type = "ByteLevel" },
            model = new { type = "BPE", vocab = ids, merges = merges.Where(line => line.Length > 0 && !line.StartsWith("#version")) },
        });
    }
}
