using System.Text.Json;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Tokenization;
using HShare.AI.StructuredOutput;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.StructuredOutput;

public class AnswerGrammarsTests
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json"));
    private static readonly ReasoningMarks Think = new("<think>", "</think>");

    // As if thoughts stood between tokens of their own.
    private static readonly ReasoningMarks Tokens = new("<tool_response>", "</tool_response>");

    private readonly AnswerForm _one = Constant(1);

    [Fact]
    public void Reasoning_may_come_first_where_the_model_thinks()
    {
        var grammars = new AnswerGrammars(Tokenizer);
        TokenGrammar allowed = grammars.For(_one, null, "", Think, ThinkingFirst.Allowed);
        Assert.True(Accepts(allowed, "1"));
        Assert.True(Accepts(allowed, "<think>\nIt is < 2, so {\"1\"}.\n</think>\n\n1"));
        Assert.False(Accepts(allowed, "<think>1"));

        TokenGrammar open = grammars.For(_one, null, "", Think, ThinkingFirst.IsOpen);
        Assert.True(Accepts(open, "hm</think>1"));
        Assert.False(Accepts(open, "1"));

        TokenGrammar not = grammars.For(_one, null, "", Think, ThinkingFirst.Not);
        Assert.True(Accepts(not, "1"));
        Assert.False(Accepts(not, "<think></think>1"));
    }

    [Fact]
    public void Marks_that_are_tokens_are_allowed_as_these_tokens_only()
    {
        TokenGrammar grammar = new AnswerGrammars(Tokenizer).For(_one, null, "", Tokens, ThinkingFirst.Allowed);
        Assert.True(Accepts(grammar, "<tool_response>what</tool_response>\n1"));
        GrammarState state = grammar.Start;
        foreach (int id in (int[])[.. Tokenizer.Encode("<tool"), .. Tokenizer.Encode("_response>")])
            state = grammar.Step(state, id);
        Assert.True(state.IsDead);
    }

    [Fact]
    public void A_call_is_written_with_the_tokens_of_its_marks()
    {
        AIFunction add = AIFunctionFactory.Create((int a, int b) => a + b, "add");
        AnswerForm form = Form(new() { Tools = [add], ToolMode = ChatToolMode.RequireAny });
        TokenGrammar grammar = new AnswerGrammars(Tokenizer).For(form, ToolCallFormat.Hermes, "", null, ThinkingFirst.Not);
        Assert.Equal([Tokenizer.FindToken("<tool_call>")!.Value], Ids(grammar.MaskOf(grammar.Start)));
        Assert.True(Accepts(grammar, "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 12, \"b\": 30}}\n</tool_call>"));
        Assert.False(Accepts(grammar, "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 12}}\n</tool_call>"));
    }

    [Fact]
    public void Equal_forms_share_a_grammar()
    {
        var grammars = new AnswerGrammars(Tokenizer);
        TokenGrammar first = grammars.For(_one, null, "", null, ThinkingFirst.Not);
        Assert.Same(first, grammars.For(_one, null, "", null, ThinkingFirst.Not));
        Assert.NotSame(first, grammars.For(Form(new() { ResponseFormat = ChatResponseFormat.Json }), null, "", null, ThinkingFirst.Not));
        for (int i = 0; i < 40; i++)
            grammars.For(Constant(i), null, "", null, ThinkingFirst.Not);
        Assert.NotSame(first, grammars.For(_one, null, "", null, ThinkingFirst.Not)); // a bounded number is kept
    }

    private static AnswerForm Constant(int value) =>
        Form(new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse($$"""{"const": {{value}} }""")) });

    private static AnswerForm Form(ChatOptions options) =>
        AnswerForm.Read(options, options.Tools is { } tools ? ToolDefinitions.From(tools) : null)!;

    private static bool Accepts(TokenGrammar grammar, string text)
    {
        GrammarState state = grammar.Start;
        foreach (int id in Tokenizer.Encode(text))
        {
            bool isAllowed = Ids(grammar.MaskOf(state)).Contains(id);
            state = grammar.Step(state, id);
            Assert.Equal(!state.IsDead, isAllowed);
        }

        return state.IsComplete;
    }

    private static IEnumerable<int> Ids(uint[] mask) => Enumerable.Range(0, mask.Length * 32).Where(id => (mask[id >> 5] >> id & 1) != 0);
}
