using System.Text.Json;
using System.Text.Json.Serialization;
using HShare.AI.Engine.Attention;

namespace HShare.AI.SemanticKernel;

/// <summary>Writes an <see cref="AttentionPreset"/> as its text, such as <c>hshare:1/2-1-1/4,budget=512</c>, and reads it again.</summary>
internal sealed class AttentionPresetJsonConverter : JsonConverter<AttentionPreset>
{
    /// <exception cref="JsonException">The value is no string, or the text of no preset.</exception>
    public override AttentionPreset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException("An attention preset is its text, such as \"quest:budget=512\".");

        try
        {
            return AttentionPreset.Parse(reader.GetString()!);
        }
        catch (ArgumentException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    public override void Write(Utf8JsonWriter writer, AttentionPreset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
