using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace HShare.Cli.Evaluation;

/// <summary>One question with its right answer: a line of a cases file.</summary>
/// <param name="Messages">The conversation, ending with the user's turn.</param>
/// <param name="Expected">The right answer, whole.</param>
/// <param name="Accepted">
/// Spans any of which makes an answer right, whatever else it says (<see cref="Metrics.AcceptedSpans"/>); null where only the expected text is.
/// </param>
/// <param name="Tools">Tool definitions for the template, or null.</param>
/// <param name="Meta">What the case is about.</param>
internal sealed record EvalCase(
    [property: JsonRequired] JsonArray Messages,
    [property: JsonRequired] string Expected,
    IReadOnlyList<string>? Accepted = null,
    JsonArray? Tools = null,
    EvalMeta? Meta = null)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Name of the file, without folder and extension.</summary>
    [JsonIgnore]
    public string File { get; private init; } = "";

    /// <summary>Its line in the file, from 1.</summary>
    [JsonIgnore]
    public int Line { get; private init; }

    /// <summary>Reads the cases of a file, one JSON object a line; empty lines do not count.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">Most cases to read, or null for all.</param>
    /// <exception cref="InputException">The file is not there, is empty, or a line is not a case.</exception>
    public static IReadOnlyList<EvalCase> ReadAll(string path, int? limit)
    {
        if (!System.IO.File.Exists(path))
            throw new InputException($"There is no cases file {path}.");

        List<EvalCase> cases = [];
        int line = 0;
        foreach (string text in System.IO.File.ReadLines(path))
        {
            line++;
            if (cases.Count == limit)
                break;
            if (!string.IsNullOrWhiteSpace(text))
                cases.Add(Parse(text, path, line));
        }

        return cases.Count > 0 ? cases : throw new InputException($"{path} holds no cases.");
    }

    private static EvalCase Parse(string text, string path, int line)
    {
        try
        {
            EvalCase parsed = JsonSerializer.Deserialize<EvalCase>(text, Options)
                ?? throw new JsonException("the line is null");
            if (parsed.Accepted is { } spans && !spans.Any(span => !string.IsNullOrWhiteSpace(span)))
                throw new JsonException("\"accepted\" holds no span; leave it out where only the expected text is right");
            return parsed with { File = Path.GetFileNameWithoutExtension(path), Line = line };
        }
        catch (JsonException error)
        {
            throw new InputException(
                $"{path}:{line} is not a case {{\"messages\": [...], \"expected\": \"...\"}}: {error.Message}", error);
        }
    }
}

/// <summary>What a case is about: the keys by which results are grouped.</summary>
/// <param name="LengthTokens">Tokens of the prompt.</param>
/// <param name="Depth">Where in the document the answer lies, 0 = start, 1 = end; null where that means nothing.</param>
/// <param name="Family">Kind of the fact asked for.</param>
/// <param name="Reference">What another implementation answered with the same weights, or null.</param>
internal sealed record EvalMeta(int? LengthTokens = null, double? Depth = null, string? Family = null, EvalReference? Reference = null);

/// <summary>Another implementation's answer to a case.</summary>
/// <param name="Answer">Its text.</param>
/// <param name="Correct">Whether it was right.</param>
internal sealed record EvalReference(string Answer, bool Correct);
