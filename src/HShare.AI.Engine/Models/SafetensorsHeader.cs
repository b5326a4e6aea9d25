using System.Text.Json;

namespace HShare.AI.Engine.Models;

/// <summary>A tensor as a safetensors header describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type as the file spells it, for example <c>BF16</c>.</param>
/// <param name="Shape">Sizes of its dimensions; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">Byte behind the last one.</param>
internal sealed record StoredTensor(string Name, string Type, long[] Shape, long Begin, long End)
{
    /// <summary>The shape as it is written: <c>[32000, 4096]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>
/// The JSON header of a safetensors file. It is believed only where it fits the file: every byte of data belongs to exactly one
/// tensor, and every tensor has as many bytes as its type and shape need.
/// </summary>
internal static class SafetensorsHeader
{
    private const string MetadataKey = "__metadata__"; // free text of the writer, not a tensor

    /// <summary>Reads and checks a header.</summary>
    /// <param name="file">Path of the file, for errors.</param>
    /// <param name="header">The header's JSON.</param>
    /// <param name="dataLength">Bytes of the file behind the header.</param>
    /// <exception cref="ModelLoadException">The header is not valid, or does not fit the file.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> Parse(string file, ReadOnlySpan<byte> header, long dataLength)
    {
        ModelJson json;
        try
        {
            json = ModelJson.Parse(file, header);
        }
        catch (ModelLoadException e)
        {
            throw new ModelLoadException(file, $"The safetensors header is damaged. {e.InnerException?.Message ?? e.Message}", e);
        }

        Dictionary<string, StoredTensor> tensors = [];
        foreach (JsonProperty property in json.Properties)
        {
            string name = property.Name;
            if (name != MetadataKey)
                tensors.Add(name, ReadTensor(json.Object(name) ?? throw json.Error(name, "is null."), name));
        }

        CheckCoverage(file, tensors.Values, dataLength);
        return tensors;
    }

    private static StoredTensor ReadTensor(ModelJson json, string name)
    {
        string type = json.Text("dtype") ?? throw json.Error("dtype", "is missing.");
        int elementBytes = ElementBytes(type) ?? throw json.Error("dtype", $"is \"{type}\", which is not a known element type.");
        long[] shape = ReadSizes(json, "shape");
        long[] offsets = ReadSizes(json, "data_offsets");
        if (offsets is not [long begin, long end] || end < begin)
            throw json.Error("data_offsets", "has to be two numbers, the second not below the first.");

        StoredTensor tensor = new(name, type, shape, begin, end);
        return end - begin == ByteCount(shape, elementBytes)
            ? tensor
            : throw json.Error("data_offsets", $"span {end - begin} bytes, but {type} {tensor.ShapeText} does not have that many.");
    }

    private static long[] ReadSizes(ModelJson json, string key)
    {
        IReadOnlyList<JsonElement> values = json.Array(key) ?? throw json.Error(key, "is missing.");
        return [.. values.Select(value => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long size) && size >= 0
            ? size
            : throw json.Error(key, "has to be an array of whole numbers that are not negative."))];
    }

    private static void CheckCoverage(string file, IEnumerable<StoredTensor> tensors, long dataLength)
    {
        StoredTensor? previous = null;
        long covered = 0;
        foreach (StoredTensor tensor in tensors.OrderBy(t => t.Begin).ThenBy(t => t.End))
        {
            if (tensor.End > dataLength)
            {
                throw new ModelLoadException(
                    file, $"{tensor.Name} ends at byte {tensor.End} of the data, but there are {dataLength}. The file is truncated.");
            }

            if (tensor.Begin < covered)
                throw new ModelLoadException(file, $"The data of {tensor.Name} overlap those of {previous!.Name}.");
            if (tensor.Begin > covered)
                throw new ModelLoadException(file, $"{tensor.Begin - covered} bytes before the data of {tensor.Name} belong to no tensor.");
            covered = tensor.End;
            previous = tensor;
        }

        if (covered < dataLength)
            throw new ModelLoadException(file, $"The last {dataLength - covered} bytes belong to no tensor.");
    }

    // UInt128: a lying shape may ask for more elements than 64 bits count; -1 equals no span.
    private static long ByteCount(long[] shape, int elementBytes)
    {
        UInt128 bytes = (UInt128)elementBytes;
        foreach (long size in shape)
        {
            bytes *= (UInt128)size;
            if (bytes > long.MaxValue)
                return -1;
        }

        return (long)bytes;
    }

    private static int? ElementBytes(string type) => type switch
    {
        "BOOL" or "U8" or "I8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 1,
        "BF16" or "F16" or "I16" or "U16" => 2,
        "F32" or "I32" or "U32" => 4,
        "F64" or "I64" or "U64" or "C64" => 8,
        _ => null,
    };
}
