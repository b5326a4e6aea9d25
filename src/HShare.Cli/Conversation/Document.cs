using HShare.Cli.Output;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Conversation;

/// <summary>A document to answer from.</summary>
internal static class Document
{
    private const string Instruction = "Answer only from the document. If the answer is not in it, say: The document does not say.";

    /// <summary>Reads a text file, or stdin for <c>-</c>, and wraps it as the bundled model was trained to see documents.</summary>
    /// <exception cref="InputException">It is not there, or is empty.</exception>
    public static ChatMessage Read(string file, Terminal terminal)
    {
        if (file != "-" && !File.Exists(file))
            throw new InputException($"There is no document {file}.");

        string text = (file == "-" ? terminal.In.ReadToEnd() : File.ReadAllText(file)).Trim();
        return text.Length > 0
            ? new ChatMessage(ChatRole.System, $"{Instruction}\n<document>\n{text}\n</document>")
            : throw new InputException($"The document {(file == "-" ? "on stdin" : file)} is empty.");
    }
}
