using System.Globalization;

namespace HShare.Cli.Bench;

/// <summary>The processor's largest cache: what has to be read to push everything else out of it.</summary>
internal static class LastLevelCache
{
    private const long Unknown = 64L << 20;
    private const long Largest = 512L << 20;
    private const string LinuxFolder = "/sys/devices/system/cpu/cpu0/cache";

    /// <summary>Its bytes as the system states them, at most 512 MiB; 64 MiB where it does not.</summary>
    public static long Bytes
    {
        get
        {
            if (!Directory.Exists(LinuxFolder))
                return Unknown;

            long[] sizes = [.. Directory.EnumerateDirectories(LinuxFolder, "index*").Select(SizeOf).Where(size => size > 0)];
            return sizes.Length == 0 ? Unknown : Math.Min(sizes.Max(), Largest);
        }
    }

    // "32K", "260M" and the like; 0 where the file is missing or says something else.
    private static long SizeOf(string folder)
    {
        string file = Path.Combine(folder, "size");
        string text = File.Exists(file) ? File.ReadAllText(file).Trim() : "";
        long unit = text.LastOrDefault() switch { 'K' => 1L << 10, 'M' => 1L << 20, 'G' => 1L << 30, _ => 0 };
        return unit > 0 && long.TryParse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture, out long count) ? count * unit : 0;
    }
}
