using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using HShare.AI.Engine.Sampling.Constraints;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

public class AdversarialSchemaTests
{
    private const double MostSeconds = 4; // alone on a desktop, the slowest takes about a fifth
    private const long MostBytes = 1L << 30;

    public static TheoryData<string, int> Families => new(
        from family in Schemas.Keys from variant in Enumerable.Range(1, 10) select (family, variant));

    private static Dictionary<string, Func<int, string>> Schemas { get; } = new()
    {
        ["deep objects"] = n => Nest(n * 40, inner => $$"""{"properties": {"a": {{inner}} } }""", "true"),
        ["deep required objects"] = n => Nest(n * 10, inner => $$"""{"properties": {"a": {{inner}}}, "required": ["a"]}""", "true"),
        ["deep choices"] = n => Nest(n * 12, inner => $$"""{"anyOf": [{"type": "null"}, {{inner}}]}""", "true"),
        ["deep allOf"] = n => Nest(n * 12, inner => $$"""{"allOf": [{{inner}}]}""", "true"),
        ["huge enum"] = n => $$"""{"enum": [{{List(n * 2000, i => $"\"value {i * 7919}\"")}}]}""",
        ["huge enum of numbers"] = n => $$"""{"enum": [{{List(n * 1000, i => $"{i}")}}], "minimum": 5}""",
        ["many optional properties"] = n => $$"""{"properties": { {{List(n * 150, i => $"\"p{i}\": {{\"type\": \"integer\"}}")}} } }""",
        ["many properties to count"] = n =>
            $$"""{"properties": { {{List(n * 20, i => $"\"p{i}\": true")}} }, "maxProperties": {{n * 10}} }""",
        ["choices of required"] = n =>
            $$"""{"anyOf": [{{List(n * 30, i => $$"""{"required": ["p{{i}}"], "properties": {"p{{i}}": {} } }""")}}]}""",
        ["products of choices"] = n => $$"""{"allOf": [{{List(n, _ => """{"anyOf": [{"minLength": 1}, {"maxLength": 9}]}""")}}]}""",
        ["ambiguous recursion"] = n =>
            $$"""{"anyOf": [{{List(n, i => $$"""{"items": {"$ref": "#"}, "maxItems": {{i + 2}} }""")}}, {"type": "null"}]}""",
        ["mutual recursion"] = n => $$"""{"$ref": "#/$defs/d0", "$defs": { {{List(n * 10, i => $$"""
            "d{{i}}": {"properties": {"x": {"$ref": "#/$defs/d{{(i + 1) % (n * 10)}}"}, "y": {"$ref": "#/$defs/d{{i * 3 % (n * 10)}}"} } }
            """)}} } }""",
        ["unicode keys"] = n => $$"""
            {"properties": { {{List(n * 50, i => $"\"{char.ConvertFromUtf32(0x1F300 + i)}{(char)(0x4E00 + i)}\": {{}}")}} },
             "additionalProperties": true}
            """,
        ["contradictory limits"] = n =>
            $$"""{"properties": {"a": {"type": "integer", "minimum": {{n}}, "maximum": {{-n}} } }, "required": ["a"]}""",
        ["long strings"] = n => $$"""{"type": "string", "minLength": {{n * 5000}}, "maxLength": {{n * 6000}} }""",
        ["long arrays"] = n =>
            $$"""{"type": "array", "items": {"minItems": {{n * 1000}}, "items": {"type": "null"} }, "maxItems": {{n * 2000}} }""",
        ["nested quantifiers"] = n => $$"""{"pattern": "^{{Nest(n, inner => $"({inner}{{0,9}}x)", "[a-y]")}}$"}""",
        ["ambiguous pattern"] = n => $$$"""{"pattern": "^(a|a|aa|a*)*b(c{0,{{{n * 20}}}}|[a-c]*){3}$"}""",
        ["pattern with length"] = n => $$"""{"pattern": "^([a-z]+ )*[a-z]+$", "minLength": {{n * 100}}, "maxLength": {{n * 400}} }""",
        ["empty and odd"] = n => ((string[])
        [
            "{}", "true", "false", """{"type": []}""", """{"enum": []}""", """{"properties": {"": {}}, "required": [""]}""",
            """{"const": {}}""",
            """{"minItems": 0, "maxItems": 0}""", """{"properties": {"a": false}}""", """{"required": ["a", "a"]}""",
        ])[n - 1],
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void An_adversarial_schema_is_refused_or_enforced_in_bounded_time_and_memory(string family, int variant)
    {
        string schema = Schemas[family](variant);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        try
        {
            JsonElement element = JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = 4000 }).RootElement;
            var grammar = new TokenGrammar(Grammar.Compile(new GrammarPart.Json(element)), ConstraintRun.Bytes);
            ConstraintRun.Draw(grammar, ConstraintRun.Bytes, ConstraintRun.EndOfText, new Random(variant), limit: 60);
        }
        catch (Exception error) when (error is NotSupportedException or ArgumentException)
        {
            Assert.StartsWith("The JSON schema ", error.Message, StringComparison.Ordinal);
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Assert.True(seconds < MostSeconds, $"{seconds:0.0} s");
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(bytes < MostBytes, $"{bytes:N0} bytes");
    }

    private static string Nest(int depth, Func<string, string> wrap, string innermost)
    {
        string text = wrap("\u0001");
        int at = text.IndexOf('\u0001', StringComparison.Ordinal);
        var nested = new StringBuilder().Insert(0, text[..at], depth).Append(innermost);
        return nested.Insert(nested.Length, text[(at + 1)..], depth).ToString();
    }

    private static string List(int count, Func<int, string> item) =>
        string.Join(", ", Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{item(i)}")));
}
