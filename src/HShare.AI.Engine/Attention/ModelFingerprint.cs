using System.Security.Cryptography;
using System.Text;

namespace HShare.AI.Engine.Attention;

/// <summary>Which model a calibration belongs to: a hash over its architecture and samples of its weights.</summary>
public static class ModelFingerprint
{
    private const int Samples = 256;
    private const int SampleBytes = 4096;

    /// <summary>
    /// The fingerprint of a model's folder, 32 hexadecimal digits. Of a weights file its size and up to 1 MiB in 256 evenly spaced samples
    /// count, so
    /// that also a large model's is taken in milliseconds.
    /// </summary>
    /// <param name="directory">Folder with config.json and the safetensors files.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(string directory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(Path.Combine(directory, "config.json")));
        byte[] buffer = new byte[SampleBytes];
        foreach (string file in Directory.GetFiles(directory, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using FileStream stream = File.OpenRead(file);
            hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetFileName(file)} {stream.Length}\n"));
            for (int i = 0; i < Samples; i++)
            {
                stream.Position = (stream.Length - Math.Min(stream.Length, SampleBytes)) * i / (Samples - 1);
                int read = stream.ReadAtLeast(buffer, SampleBytes, throwOnEndOfStream: false);
                hash.AppendData(buffer, 0, read);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
