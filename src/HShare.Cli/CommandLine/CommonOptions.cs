using System.CommandLine;
using System.Globalization;
using System.Numerics;
using HShare.AI;
using HShare.AI.Engine.Compute;

namespace HShare.Cli.CommandLine;

/// <summary>Options that several commands share: which model, on what, kept how, and how to report.</summary>
internal static class CommonOptions
{
    static CommonOptions() => Kv.Aliases.Add("--kv-type");

    /// <summary>The model's folder.</summary>
    public static Option<string?> Model { get; } = new("--model", "-m")
    {
        Description = "Folder of the model, as downloaded from a hub [default: the bundled hshare-tiny]",
        HelpName = "DIR",
    };

    /// <summary>What the model runs on.</summary>
    public static Option<HShareBackend> Backend { get; } = Choice(
        "--backend", "What the model runs on", ("auto", HShareBackend.Auto), ("cpu", HShareBackend.Cpu), ("cuda", HShareBackend.Cuda));

    /// <summary>Threads of the CPU backend.</summary>
    public static Option<int?> Threads { get; } = AtLeast(
        1, "--threads", "Threads of the CPU backend, which they choose where --backend does not [default: one for each core]");

    /// <summary>How linear layers are kept.</summary>
    public static Option<WeightFormat> Weights { get; } = Choice(
        "--weights", "How the weights are kept",
        ("as-stored", WeightFormat.AsStored), ("bf16", WeightFormat.BFloat16), ("int8", WeightFormat.Int8), ("fp8", WeightFormat.Float8));

    /// <summary>How keys and values are kept.</summary>
    public static Option<KvCacheFormat> Kv { get; } = Choice(
        "--kv", "How cached keys and values are kept",
        ("auto", KvCacheFormat.Auto), ("f32", KvCacheFormat.Float32), ("f16", KvCacheFormat.Float16), ("bf16", KvCacheFormat.BFloat16),
        ("fp8", KvCacheFormat.Float8));

    /// <summary>Most tokens of prompt and answer.</summary>
    public static Option<int?> Context { get; } = AtLeast(
        2, "--context", "Most tokens of prompt and answer together [default: the model's own]");

    /// <summary>Most tokens of an answer.</summary>
    public static Option<int?> MaxOutput { get; } = AtLeast(1, "--max-output", "Most tokens of an answer");

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json { get; } = new("--json") { Description = "Write JSON to stdout and nothing else" };

    /// <summary>Stack traces.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Show where an error came from", Recursive = true };

    /// <summary>The options that say which model is loaded and how.</summary>
    public static void AddModelOptions(this Command command)
    {
        foreach (Option option in (Option[])[Model, Backend, Threads, Weights, Kv, Context, Json])
            command.Add(option);
    }

    /// <summary>The model's folder, for commands that take it as an argument too.</summary>
    public static Argument<string?> ModelArgument() => new("dir")
    {
        Description = "Folder of the model, the same as --model",
        HelpName = "DIR",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>An option with a few named values, the first of them its default, which must also be the type's.</summary>
    public static Option<T> Choice<T>(string name, string description, params (string Name, T Value)[] choices)
        where T : struct, Enum
    {
        string names = string.Join("|", choices.Select(choice => choice.Name));
        return new Option<T>(name)
        {
            Description = $"{description} [default: {choices[0].Name}]",
            HelpName = names,
            CustomParser = argument =>
            {
                string given = argument.Tokens[0].Value;
                foreach ((string choice, T value) in choices)
                {
                    if (string.Equals(choice, given, StringComparison.OrdinalIgnoreCase))
                        return value;
                }

                argument.AddError($"{name} '{given}' is not one of {names}.");
                return default;
            },
        };
    }

    /// <summary>An option with a number that must not be below a minimum.</summary>
    public static Option<T?> AtLeast<T>(T minimum, string name, string description)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = argument =>
            {
                string given = argument.Tokens[0].Value;
                if (T.TryParse(given, CultureInfo.InvariantCulture, out T value) && value >= minimum && T.IsFinite(value))
                    return value;

                argument.AddError($"{name} '{given}' is not a number of at least {minimum}.");
                return null;
            },
        };
}
