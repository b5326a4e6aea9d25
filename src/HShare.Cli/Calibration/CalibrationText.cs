using System.Text.Json;
using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.Engine.Tokenization;
using HShare.Cli.Conversation;
using HShare.Cli.Output;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Calibration;

/// <summary>A text to learn from what a model attends to: its last tokens are decoded one by one.</summary>
/// <param name="Tokens">The text.</param>
/// <param name="Steps">How many of its last tokens are decoded.</param>
internal sealed record CalibrationText(IReadOnlyList<int> Tokens, int Steps)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Pieces of text files, evenly spread over each; a shorter file is one piece.</summary>
    /// <param name="files">Paths of the files.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="length">Tokens of a piece.</param>
    /// <param name="pieces">Most pieces of a file.</param>
    /// <param name="steps">How many of a piece's last tokens are decoded.</param>
    /// <exception cref="InputException">A file is not there, or is too short.</exception>
    public static IEnumerable<CalibrationText> FromFiles(IEnumerable<string> files, Tokenizer tokenizer, int length, int pieces, int steps)
    {
        if (length <= steps)
            throw new InputException(
                $"Pieces of {length} tokens are too short to decode {steps} of them: take longer pieces, or fewer steps.");

        foreach (string file in files)
        {
            if (!File.Exists(file))
                throw new InputException($"There is no text {file}.");
            IReadOnlyList<int> tokens = tokenizer.Encode(File.ReadAllText(file));
            if (tokens.Count <= steps)
                throw new InputException($"{file} has {tokens.Count} tokens; to decode {steps} of them it must be longer.");

            int count = Math.Clamp(tokens.Count / length, 1, pieces), size = Math.Min(length, tokens.Count);
            for (int i = 0; i < count; i++)
            {
                int start = count == 1 ? 0 : (int)((long)(tokens.Count - size) * i / (count - 1));
                yield return new CalibrationText([.. tokens.Skip(start).Take(size)], steps);
            }
        }
    }

    /// <summary>A document with questions: what is decoded is each question's right answer.</summary>
    /// <param name="document">Path of the document.</param>
    /// <param name="questions">Path of a JSON array of <c>{"question": "...", "expected": "..."}</c>.</param>
    /// <param name="limit">Most questions, evenly spread.</param>
    /// <param name="maxTokens">Most tokens of a prompt with its answer.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template.</param>
    /// <param name="terminal">Where <c>-</c> reads the document from.</param>
    /// <exception cref="InputException">A file is not there, or holds no questions.</exception>
    public static IEnumerable<CalibrationText> FromQuestions(
        string document, string questions, int limit, int maxTokens, Tokenizer tokenizer, ChatTemplate template, Terminal terminal)
    {
        ChatMessage system = Document.Read(document, terminal);
        Question[] all = ReadQuestions(questions);
        int count = Math.Min(limit, all.Length);
        for (int i = 0; i < count; i++)
        {
            Question question = all[(long)i * all.Length / count];
            JsonArray messages =
            [
                new JsonObject { ["role"] = "system", ["content"] = system.Text },
                new JsonObject { ["role"] = "user", ["content"] = question.Text },
            ];
            IReadOnlyList<int> prompt = tokenizer.Encode(template.RenderSegments(
                messages, tools: null, addGenerationPrompt: true, variables: null, specialTokens: tokenizer.SpecialTokens));
            IReadOnlyList<int> answer = tokenizer.Encode(question.Expected);
            if (answer.Count == 0 || prompt.Count + answer.Count > maxTokens)
            {
                throw new InputException(
                    $"{questions}: '{question.Text}' comes to {prompt.Count} tokens and {answer.Count} of its answer; an answer is needed, and the "
                    + $"model holds {maxTokens}. Shorten the document, or give the answer.");
            }

            yield return new CalibrationText([.. prompt, .. answer], answer.Count);
        }
    }

    private static Question[] ReadQuestions(string path)
    {
        if (!File.Exists(path))
            throw new InputException($"There is no file of questions {path}.");
        try
        {
            return JsonSerializer.Deserialize<Question[]>(File.ReadAllText(path), Options) is { Length: > 0 } questions
                ? questions
                : throw new InputException($"{path} holds no questions.");
        }
        catch (JsonException error)
        {
            throw new InputException($$"""{{path}} is not an array of {"question": "...", "expected": "..."}: {{error.Message}}""", error);
        }
    }

    private sealed record Question(
        [property: System.Text.Json.Serialization.JsonPropertyName("question"), System.Text.Json.Serialization.JsonRequired] string Text,
        [property: System.Text.Json.Serialization.JsonRequired] string Expected);
}
