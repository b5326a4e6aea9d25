using HShare.AI.Engine.Sampling.Constraints;

namespace HShare.AI.StructuredOutput;

/// <summary>How calls are written in a model's own format: what the parser of that format reads, in the form that templates show.</summary>
/// <param name="format">A format other than <see cref="ToolCallFormat.Auto"/>.</param>
/// <param name="mark">Makes a mark of the format a token, where the vocabulary has it as one.</param>
/// <param name="templateSource">The template that shows the model its calls.</param>
internal sealed class CallGrammar(ToolCallFormat format, Func<string, GrammarPart> mark, string templateSource)
{
    /// <summary>The grammar of one call or, where several are allowed, of one or more.</summary>
    public GrammarPart Of(IReadOnlyList<CallableTool> tools, bool allowsMultiple) => format switch
    {
        ToolCallFormat.Hermes => Repeat(Hermes(tools), new GrammarPart.Literal("\n"), allowsMultiple),
        ToolCallFormat.Llama => Repeat(Objects(tools, "parameters"), new GrammarPart.Literal("; "), allowsMultiple),
        ToolCallFormat.Mistral when templateSource.Contains("[ARGS]", StringComparison.Ordinal) =>
            Repeat(NamedMistral(tools), new GrammarPart.Literal(""), allowsMultiple),
        ToolCallFormat.Mistral => Sequence(
            mark("[TOOL_CALLS]"),
            new GrammarPart.Optional(new GrammarPart.Literal(" ")),
            new GrammarPart.Literal("["),
            Repeat(Objects(tools, "arguments"), new GrammarPart.Literal(", "), allowsMultiple),
            new GrammarPart.Literal("]")),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    private GrammarPart Hermes(IReadOnlyList<CallableTool> tools) => Sequence(
        mark("<tool_call>"),
        new GrammarPart.Literal("\n"),
        Objects(tools, "arguments"),
        new GrammarPart.Literal("\n"),
        mark("</tool_call>"));

    private GrammarPart NamedMistral(IReadOnlyList<CallableTool> tools)
    {
        bool hasId = templateSource.Contains("[CALL_ID]", StringComparison.Ordinal);
        GrammarPart id = new GrammarPart.Optional(Sequence(mark("[CALL_ID]"), new GrammarPart.Pattern("[A-Za-z0-9]{9}")));
        return Sequence(
            mark("[TOOL_CALLS]"),
            new GrammarPart.Choice([.. tools.Select(tool => Sequence(
                new GrammarPart.Literal(tool.Name),
                hasId ? id : new GrammarPart.Literal(""),
                mark("[ARGS]"),
                tool.Arguments))]));
    }

    private static GrammarPart.Choice Objects(IReadOnlyList<CallableTool> tools, string argumentsKey) =>
        new([.. tools.Select(tool => Sequence(
            new GrammarPart.Literal("{\"name\": "),
            tool.QuotedName,
            new GrammarPart.Literal($", \"{argumentsKey}\": "),
            tool.Arguments,
            new GrammarPart.Literal("}")))]);

    private static GrammarPart Repeat(GrammarPart call, GrammarPart separator, bool allowsMultiple) =>
        allowsMultiple ? new GrammarPart.Repeated(call, separator) : call;

    private static GrammarPart Sequence(params IReadOnlyList<GrammarPart> parts) => new GrammarPart.Sequence(parts);
}
