namespace HShare.AI;

/// <summary>How a model writes a function call into its answer. It must be the form that the model was trained on.</summary>
public enum ToolCallFormat
{
    /// <summary>The form that the model's chat template uses itself; a template that uses none of these is refused with tools.</summary>
    Auto,

    /// <summary>
    /// Hermes, Qwen 2.5, Qwen 3 and the bundled model: <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, a block for
    /// each call.
    /// </summary>
    Hermes,

    /// <summary>
    /// Llama 3.1, 3.2 and 3.3: <c>{"name": …, "parameters": {…}}</c> as the whole answer, several parted by semicolons, with
    /// <c>&lt;|python_tag|&gt;</c> in front or without.
    /// </summary>
    Llama,

    /// <summary>
    /// Mistral: <c>[TOOL_CALLS][{"name": …, "arguments": {…}}, …]</c>, or the newer <c>[TOOL_CALLS]name[ARGS]{…}</c> for each call.
    /// </summary>
    Mistral,
}
