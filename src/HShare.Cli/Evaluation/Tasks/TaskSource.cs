namespace HShare.Cli.Evaluation.Tasks;

/// <summary>The tasks by name.</summary>
internal static class TaskSource
{
    private static readonly Dictionary<string, (Func<TaskSettings, IReadOnlyList<TaskCase>> Create, Choices Choices)> Tasks = new()
    {
        ["gsm8k"] = (Gsm8kTask.Create, Choices.Data | Choices.Shots),
        ["longbench"] = (LongBenchTask.Create, Choices.Data | Choices.Lengths),
        ["musique"] = (MusiqueTask.Create, Choices.Data | Choices.Lengths),
        ["needle"] = (NeedleTask.Create, Choices.Data | Choices.Lengths | Choices.Depths),
        [RulerNeedleTask.Single] = (RulerNeedleTask.CreateSingle, Choices.Ruler | Choices.Depths),
        [RulerNeedleTask.MultiKey] = (RulerNeedleTask.CreateMultiKey, Choices.Ruler | Choices.Depths),
        [RulerNeedleTask.MultiValue] = (RulerNeedleTask.CreateMultiValue, Choices.Ruler),
        [RulerVariableTask.Name] = (RulerVariableTask.Create, Choices.Ruler),
    };

    /// <summary>Settings that mean something to a task, beside the limit, which means something to all.</summary>
    [Flags]
    private enum Choices
    {
        Data = 1,
        Shots = 2,
        Lengths = 4,
        Depths = 8,
        Samples = 16,
        Ruler = Data | Lengths | Samples,
    }

    /// <summary>Names of all tasks.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Tasks.Keys];

    /// <summary>The cases of a task. Equal settings make equal cases in equal order.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="settings">What the user chose.</param>
    /// <exception cref="InputException">There is no such task, a setting is out of range or means nothing to it, its data are not there or
    /// malformed (the message names file and line), or a length is too short for the question.</exception>
    public static IReadOnlyList<TaskCase> Create(string name, TaskSettings settings)
    {
        if (!Tasks.TryGetValue(name, out (Func<TaskSettings, IReadOnlyList<TaskCase>> Create, Choices Choices) task))
            throw new InputException($"There is no task {name}. There are: {string.Join(", ", Names)}.");

        Refuse(settings.Data is not null, Choices.Data, "--data");
        Refuse(settings.Shots != 0, Choices.Shots, "--shots");
        Refuse(settings.Lengths is not null, Choices.Lengths, "--lengths");
        Refuse(settings.Depths is not null, Choices.Depths, "--depths");
        Refuse(settings.Samples is not null, Choices.Samples, "--samples");
        CheckRanges(settings);
        return task.Create(settings);

        void Refuse(bool given, Choices choice, string option)
        {
            if (given && !task.Choices.HasFlag(choice))
                throw new InputException($"{option} means nothing to the task {name}. Leave it out.");
        }
    }

    private static void CheckRanges(TaskSettings settings)
    {
        if (settings.Shots < 0)
            throw new InputException($"--shots {settings.Shots} must not be negative.");
        if (settings.Limit < 1)
            throw new InputException($"--limit {settings.Limit} must be at least 1.");
        if (settings.Samples < 1)
            throw new InputException($"--samples {settings.Samples} must be at least 1.");
        if (settings.Lengths is { } lengths && (lengths.Count == 0 || lengths.Any(length => length < 1)))
            throw new InputException($"--lengths {string.Join(',', lengths)} must be numbers of tokens, at least one of at least 1.");
        if (settings.Depths is { } depths && (depths.Count == 0 || depths.Any(depth => depth is not (>= 0 and <= 1))))
            throw new InputException($"--depths {string.Join(',', depths)} must be places from 0 (start) to 1 (end), at least one.");
    }
}
