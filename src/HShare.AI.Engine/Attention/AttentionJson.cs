using System.Buffers;
using System.Globalization;
using System.Text.Json;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// How calibrations and plans are kept as JSON: a matrix has one line for each row, and every error names the file and the entry.
/// </summary>
internal static class AttentionJson
{
    private const string ShareForm = "a number between 0 and 1";

    /// <summary>Reads a file that holds one JSON object of known keys.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keys">Every key it may have; another one is an error, for nobody would read it.</param>
    /// <param name="parse">What to make of the object.</param>
    /// <exception cref="SharingPlanException">The file is missing or damaged, or an entry is wrong.</exception>
    public static T Read<T>(string path, ReadOnlySpan<string> keys, Func<ModelJson, T> parse)
    {
        try
        {
            ModelJson json = ModelJson.Read(path);
            foreach (JsonProperty property in json.Properties)
            {
                if (!keys.Contains(property.Name))
                    throw json.Error(property.Name, $"is not known; the entries are {string.Join(", ", keys!)}.");
            }

            return parse(json);
        }
        catch (ModelLoadException e)
        {
            throw new SharingPlanException(e.Message, e);
        }
    }

    /// <summary>Writes a file that holds one JSON object, whole or not at all.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        string unfinished = path + ".tmp";
        File.WriteAllBytes(unfinished, [.. buffer.WrittenSpan, (byte)'\n']);
        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>A whole number that has to be there and be no less than it may.</summary>
    public static int Int32(ModelJson json, string key, int least) =>
        json.Int32(key) is { } value && value >= least ? value : throw json.Error(key, $"has to be a whole number of at least {least}.");

    /// <summary>A matrix of shares, [rows][columns], each between 0 and 1.</summary>
    public static float[][] Shares(ModelJson json, string key, int rows, int columns) =>
        Matrix(json, key, json.Array(key), rows, columns, Share, ShareForm);

    /// <summary>Several matrices of shares, [count][rows][columns], each between 0 and 1.</summary>
    public static float[][][] ShareMatrices(ModelJson json, string key, int count, int rows, int columns)
    {
        IReadOnlyList<JsonElement> matrices = json.Array(key) is { } array && array.Count == count
            ? array
            : throw json.Error(key, $"has to be an array of {count} matrices.");
        return [.. matrices.Select((matrix, i) => Matrix(json, $"{key}[{i}]", Elements(matrix), rows, columns, Share, ShareForm))];

        static List<JsonElement>? Elements(JsonElement value) =>
            value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : null;
    }

    /// <summary>A matrix of whole numbers below a limit, [rows][columns].</summary>
    public static int[][] Indices(ModelJson json, string key, int rows, int columns, int limit) => Matrix<int>(
        json, key, json.Array(key), rows, columns,
        value => value.TryGetInt32(out int number) && (uint)number < (uint)limit ? number : null, $"a whole number below {limit}");

    /// <summary>Writes the rows of a matrix as the next value or, given a name, as an entry.</summary>
    public static void WriteMatrix<T>(Utf8JsonWriter writer, string? name, IEnumerable<IReadOnlyList<T>> rows)
        where T : IFormattable
    {
        if (name is not null)
            writer.WritePropertyName(name);
        writer.WriteStartArray();
        foreach (IReadOnlyList<T> row in rows)
            writer.WriteRawValue($"[{string.Join(", ", row.Select(value => value.ToString(null, CultureInfo.InvariantCulture)))}]");
        writer.WriteEndArray();
    }

    /// <summary>Writes several matrices as one entry.</summary>
    public static void WriteMatrices(Utf8JsonWriter writer, string name, IEnumerable<IReadOnlyList<float[]>> matrices)
    {
        writer.WriteStartArray(name);
        foreach (IReadOnlyList<float[]> matrix in matrices)
            WriteMatrix(writer, name: null, matrix);
        writer.WriteEndArray();
    }

    private static float? Share(JsonElement value) => value.TryGetSingle(out float number) && number is >= 0 and <= 1 ? number : null;

    private static T[][] Matrix<T>(
        ModelJson json, string key, IReadOnlyList<JsonElement>? array, int rows, int columns, Func<JsonElement, T?> read, string expected)
        where T : struct
    {
        if (array is null || array.Count != rows)
            throw json.Error(key, $"has to be an array of {rows} rows.");

        T[][] matrix = new T[rows][];
        for (int i = 0; i < rows; i++)
        {
            if (array[i].ValueKind != JsonValueKind.Array || array[i].GetArrayLength() != columns)
                throw json.Error($"{key}[{i}]", $"has to be an array of {columns} numbers.");
            matrix[i] = [.. array[i].EnumerateArray().Select((value, j) =>
                (value.ValueKind == JsonValueKind.Number ? read(value) : null)
                ?? throw json.Error($"{key}[{i}][{j}]", $"has to be {expected}."))];
        }

        return matrix;
    }
}
