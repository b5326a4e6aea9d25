using HShare.Cli.Output;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Conversation;

/// <summary>A document to answer from.</summary>
internal static class Document
{
    private const string Instruction = "Answer only from the document. If the answer is not in it, say: The document does not say.";

    private const string Opening = "\n<document>\n";

    private const string Closing = "\n</document>";

    /// <summary>Reads a text file, or stdin for <c>-</c>, and wraps it as the bundled model was trained to see documents.</summary>
    /// <exception cref="InputException">It is not there, or is empty.</exception>
    public static ChatMessage Read(string file, Terminal terminal)
    {
        if (file != "-" && !File.Exists(file))
            throw new InputException($"There is no document {file}.");

        string text = (file == "-" ? terminal.In.ReadToEnd() : File.ReadAllText(file)).Trim();
        return text.Length > 0
            ? new ChatMessage(ChatRole.System, Instruction + Opening + text + Closing)
            : throw new InputException($"The document {(file == "-" ? "on stdin" : file)} is empty.");
    }

    /// <summary>The document's own text in the message that <see cref="Read"/> made of it.</summary>
    public static string TextOf(ChatMessage message)
    {
        int start = message.Text.IndexOf(Opening, StringComparison.Ordinal) + Opening.Length;
        return message.Text[start..message.Text.LastIndexOf(Closing, StringComparison.Ordinal)];
    }
}
