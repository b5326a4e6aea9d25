namespace HShare.AI.ToolCalls;

/// <summary>Tells from a chat template how its model writes calls.</summary>
internal static class ToolCallFormats
{
    /// <summary>Marks of forms that share a mark with one that is read here, but write the arguments as XML.</summary>
    private static readonly string[] Others = ["<function=", "<arg_key>"];

    /// <summary>The format of a template, or null where it is none of those that are read here.</summary>
    /// <param name="templateSource">The Jinja source that is used with tools.</param>
    public static ToolCallFormat? Detect(string templateSource)
    {
        if (Others.Any(Has))
            return null;
        if (Has("[TOOL_CALLS]"))
            return ToolCallFormat.Mistral;
        if (Has("<tool_call>"))
            return ToolCallFormat.Hermes;

        // Llama 3.1 names its tag, and the later ones only the role of a result.
        return Has("<|python_tag|>") || (Has("<|start_header_id|>") && Has("ipython")) ? ToolCallFormat.Llama : null;

        bool Has(string mark) => templateSource.Contains(mark, StringComparison.Ordinal);
    }
}
