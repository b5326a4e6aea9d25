using HShare.AI.Engine.Tokenization;
using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Tests.Tasks;

/// <summary>Settings for tests, with the bundled model's tokenizer.</summary>
internal static class TaskTestSettings
{
    public static Tokenizer Tokenizer { get; } = Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json"));

    public static TaskSettings Default { get; } = new() { Encode = Tokenizer.Encode, Decode = ids => Tokenizer.Decode(ids) };

    /// <summary>The user's text.</summary>
    public static string Text(this TaskCase task) => task.Messages[^1]!["content"]!.GetValue<string>();
}
