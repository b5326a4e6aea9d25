using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HShare.Cli.Output;

/// <summary>Machine-readable output: snake_case names, as in the files of a model folder.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private static readonly JsonSerializerOptions LineOptions = new(Options) { WriteIndented = false };

    /// <summary>Writes a value over several lines.</summary>
    public static void WriteJson(this Terminal terminal, object value) => terminal.Out.WriteLine(JsonSerializer.Serialize(value, Options));

    /// <summary>Writes a value on a line of its own.</summary>
    public static void WriteJsonLine(this TextWriter writer, object value) =>
        writer.WriteLine(JsonSerializer.Serialize(value, LineOptions));
}
