using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace HShare.AI.Hosting;

/// <summary>
/// Reads <see cref="HShareOptions"/> from configuration: a name that is no option, or a value that is none of its values, is an error.
/// </summary>
internal static class OptionsBinding
{
    /// <summary>Overwrites the options that the section names.</summary>
    /// <exception cref="OptionsValidationException">A value is none of the names allowed, or not of its type; or a key is no
    /// option.</exception>
    public static void BindTo(this IConfigurationSection section, HShareOptions options)
    {
        List<string> failures = [];
        CheckName<HShareBackend>(section, nameof(options.Backend), failures);
        CheckName<WeightFormat>(section, nameof(options.WeightFormat), failures);
        CheckName<KvCacheFormat>(section, nameof(options.KvCacheFormat), failures);
        CheckName<PrefixSharing>(section, nameof(options.PrefixSharing), failures);
        CheckName<ToolCallFormat>(section, nameof(options.ToolCallFormat), failures);
        if (failures.Count > 0)
            throw new OptionsValidationException(section.Path, typeof(HShareOptions), failures);

        try
        {
            section.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException error)
        {
            throw new OptionsValidationException(
                section.Path, typeof(HShareOptions), [$"Configuration section '{section.Path}': {error.Message}"]);
        }
    }

    private static void CheckName<TEnum>(IConfigurationSection section, string key, List<string> failures)
        where TEnum : struct, Enum
    {
        string[] names = Enum.GetNames<TEnum>();
        if (section[key] is { Length: > 0 } value && !names.Contains(value, StringComparer.OrdinalIgnoreCase))
            failures.Add($"Configuration '{section.Path}:{key}' is '{value}'. Set it to one of: {string.Join(", ", names)}.");
    }
}
