using System.Text.Json;
using HShare.AI.Engine.Sampling.Constraints;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

public class JsonSchemaGrammarTests
{
    [Theory]
    [InlineData("true", """{"a": [1, "x", null, {"b": true}]}""", true)]
    [InlineData("""{"type": "object"}""", "{}", true)]
    [InlineData("""{"type": "object"}""", """{"any": {"thing": [1]}}""", true)]
    [InlineData("""{"type": "object"}""", "[]", false)]
    [InlineData("""{"properties": {"a": {}}}""", """{"a": 1}""", true)]
    [InlineData("""{"properties": {"a": {}}}""", """{"b": 1}""", false)]
    [InlineData("""{"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}""", """{"a": "x", "b": 1, "c":2}""", true)]
    [InlineData("""{"properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"}}""", """{"a": 1}""", false)]
    [InlineData("""{"properties": {"a": {}, "b": {}}, "required": ["b"]}""", """{"b": 1}""", true)]
    [InlineData("""{"properties": {"a": {}, "b": {}}, "required": ["b"]}""", """{"a": 1}""", false)]
    [InlineData("""{"properties": {"a": {}, "b": {}}, "required": ["b"]}""", """{"b": 1, "a": 1}""", false)] // in the schema's order only
    [InlineData("""{"properties": {"a": {}}, "required": ["x"], "additionalProperties": {"type": "boolean"}}""", """{"x": true}""", true)]
    [InlineData("""{"properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 2}""", """{"a": 1, "c": 2}""", true)]
    [InlineData("""{"properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 2}""", """{"a": 1, "b": 2, "c": 3}""", false)]
    [InlineData("""{"properties": {"a": {}, "b": {}, "c": {}}, "minProperties": 2}""", """{"b": 1}""", false)]
    [InlineData("""{"properties": {"größe": {"type": "integer"}}}""", """{"größe": 1}""", true)]
    [InlineData("""{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}""", "[1, 2]", true)]
    [InlineData("""{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}""", "[]", false)]
    [InlineData("""{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}""", "[1,2,3]", false)]
    [InlineData("""{"prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": {"type": "integer"}}""", "[null, true, 1, 2]", true)]
    [InlineData("""{"prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": {"type": "integer"}}""", "[null, 1]", false)]
    [InlineData("""{"prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": false}""", "[null, true]", true)]
    [InlineData("""{"prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": false}""", "[null, true, 1]", false)]
    [InlineData("""{"type": "string"}""", "\"\\u00e9\\ud83d\\ude00\\n\"", true)]
    [InlineData("""{"type": "string"}""", "\"\\ud83d\"", false)] // half a pair
    [InlineData("""{"type": "string"}""", "\"\n\"", false)]
    [InlineData("""{"minLength": 2, "maxLength": 3}""", "\"日本\"", true)]
    [InlineData("""{"minLength": 2, "maxLength": 3}""", "\"😀\"", false)] // one character
    [InlineData("""{"minLength": 2, "maxLength": 3}""", "\"\\\"\\n\\t\"", true)]
    [InlineData("""{"minLength": 2, "maxLength": 3}""", "\"abcd\"", false)]
    [InlineData("""{"pattern": "b+"}""", "\"abbc\"", true)]
    [InlineData("""{"pattern": "^b+$"}""", "\"abb\"", false)]
    [InlineData("""{"pattern": "^[^a]$"}""", "\"\\\"\"", true)]
    [InlineData("""{"pattern": "^\\w+$", "maxLength": 1}""", "\"ab\"", false)]
    [InlineData("""{"pattern": "^a", "allOf": [{"pattern": "b$"}]}""", "\"axb\"", true)]
    [InlineData("""{"pattern": "^a", "allOf": [{"pattern": "b$"}]}""", "\"ax\"", false)]
    [InlineData("""{"pattern": "^(?:a|(b)c*?)$|^d{2,}$"}""", "\"bcc\"", true)]
    [InlineData("""{"pattern": "^[\\d\\-x-z]+$"}""", "\"4-y\"", true)]
    [InlineData("""{"format": "date"}""", "\"2024-02-29\"", true)]
    [InlineData("""{"format": "date"}""", "\"2023-02-29\"", false)]
    [InlineData("""{"format": "date"}""", "\"1900-02-29\"", false)]
    [InlineData("""{"format": "date-time"}""", "\"2024-12-31T23:59:59.5Z\"", true)]
    [InlineData("""{"format": "date-time"}""", "\"2024-12-31\"", false)]
    [InlineData("""{"format": "uuid"}""", "\"123e4567-e89b-12d3-a456-426614174000\"", true)]
    [InlineData("""{"format": "email"}""", "\"jo.doe@example.org\"", true)]
    [InlineData("""{"format": "email"}""", "\"jo\"", false)]
    [InlineData("""{"type": "integer"}""", "-12", true)]
    [InlineData("""{"type": "integer"}""", "012", false)]
    [InlineData("""{"type": "integer"}""", "1.5", false)]
    [InlineData("""{"type": "number"}""", "-1.5e10", true)]
    [InlineData("""{"type": "number"}""", "1e999", false)] // no finite float
    [InlineData("""{"enum": ["a", 1, null, [1, {"b": "é"}]]}""", """[1, {"b": "é"}]""", true)]
    [InlineData("""{"enum": ["a", 1, null], "type": "string"}""", "1", false)]
    [InlineData("""{"enum": ["a", "bb"], "minLength": 2}""", "\"a\"", false)]
    [InlineData("""{"enum": [1, 5], "minimum": 2}""", "1", false)]
    [InlineData("""{"const": "a\"b"}""", "\"a\\\"b\"", true)]
    [InlineData("""{"type": ["string", "null"], "maxLength": 1}""", "null", true)]
    [InlineData("""{"anyOf": [{"type": "null"}, {"minimum": 3}]}""", "4", true)]
    [InlineData("""{"oneOf": [{"properties": {"k": {"const": "a"}, "x": {"type": "integer"}}, "required": ["k", "x"]}, """
        + """{"properties": {"k": {"const": "b"}}, "required": ["k"]}]}""",
        """{"k": "a", "x": 1}""", true)]
    [InlineData("""{"oneOf": [{"properties": {"k": {"const": "a"}, "x": {"type": "integer"}}, "required": ["k", "x"]}, """
        + """{"properties": {"k": {"const": "b"}}, "required": ["k"]}]}""",
        """{"k": "b", "x": 1}""", false)]
    [InlineData("""{"properties": {"a": {"type": "integer"}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}""",
        """{"b": 1}""", true)]
    [InlineData("""{"properties": {"a": {"type": "integer"}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}""",
        "{}", false)]
    [InlineData("""{"allOf": [{"properties": {"a": {"minimum": 1}}}, {"properties": {"a": {"maximum": 2}, "b": {}}}]}""",
        """{"a": 2, "b": 0}""", true)]
    [InlineData("""{"allOf": [{"properties": {"a": {"minimum": 1}}}, {"properties": {"a": {"maximum": 2}, "b": {}}}]}""",
        """{"a": 3}""", false)]
    [InlineData("""{"properties": {"v": {}, "next": {"$ref": "#"}}, "required": ["v"]}""",
        """{"v": 1, "next": {"v": 2, "next": {"v": 3}}}""", true)]
    [InlineData("""{"properties": {"a": {"items": {"$ref": "#/properties/b"}}, "b": {"type": "null"}}}""",
        """{"a": [null], "b": null}""", true)]
    [InlineData("""{"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}""", "null", true)]
    public void A_text_is_taken_where_it_satisfies_the_schema(string schema, string text, bool taken)
    {
        Assert.Equal(taken, ConstraintRun.Accepts(schema, text));
        if (taken)
            Assert.True(SchemaValidator.IsValid(schema, text), "The validator of these tests thinks otherwise.");
    }

    [Fact]
    public void Integers_keep_to_their_limits_exactly()
    {
        var random = new Random(3);
        for (int i = 0; i < 200; i++)
        {
            long low = random.NextInt64(-1200, 1200), high = low + random.NextInt64(0, 1500);
            Grammar grammar = ConstraintRun.Compile($$"""{"type": "integer", "minimum": {{low}}, "maximum": {{high}}}""");
            long[] values = [low - 1, low, low + 1, (low + high) / 2, high - 1, high, high + 1, 0, low * 10, high * 10, -high];
            foreach (long value in values)
                Assert.True(ConstraintRun.Accepts(grammar, $"{value}") == (low <= value && value <= high), $"{value} in {low} to {high}");
        }
    }

    [Fact]
    public void Numbers_keep_to_their_limits_digit_by_digit()
    {
        Grammar grammar = ConstraintRun.Compile("""{"type": "number", "exclusiveMinimum": -0.25, "maximum": 10.5}""");
        foreach (string text in (string[])["-0.24999", "-0.2", "0", "0.0", "7.123", "10.5", "10.50", "10.49", "9"])
            Assert.True(ConstraintRun.Accepts(grammar, text), text);
        foreach (string text in (string[])["-0.25", "-0.250", "-0.3", "-1", "-0", "10.51", "11", "10.500001", "1e1", "00", "1."])
            Assert.False(ConstraintRun.Accepts(grammar, text), text);
    }

    [Fact]
    public void White_space_is_one_space_behind_colons_and_commas_or_none()
    {
        Grammar grammar = ConstraintRun.Compile("""{"properties": {"a": {"items": {"type": "integer"}}, "b": {}}}""");
        foreach (string text in (string[])["""{"a": [1, 2], "b": 1}""", """{"a":[1,2],"b":1}""", """{"a": [1,2],"b":1}"""])
            Assert.True(ConstraintRun.Accepts(grammar, text), text);
        string[] others = ["""{ "a": []}""", """{"a" : []}""", """{"a":  []}""", "{\n\"a\": []}", """{"a": [] }""", """{"a": []} """];
        foreach (string text in others)
            Assert.False(ConstraintRun.Accepts(grammar, text), text);
    }

    [Theory]
    [InlineData("""{"not": {}}""", "'not' at #")]
    [InlineData("""{"properties": {"a/b": {"if": {}}}}""", "'if' at #/properties/a~1b")]
    [InlineData("""{"items": {"uniqueItems": true}}""", "'uniqueItems' at #/items")]
    [InlineData("""{"patternProperties": {}}""", "'patternProperties' at #")]
    [InlineData("""{"multipleOf": 3}""", "'multipleOf' at #")]
    [InlineData("""{"format": "hostname"}""", "'format' at #")]
    [InlineData("""{"pattern": "(?=a)"}""", "a lookahead")]
    [InlineData("""{"pattern": "(a)\\1"}""", "a reference to a group")]
    [InlineData("""{"pattern": "\\bword"}""", "a word border")]
    [InlineData("""{"pattern": "a^"}""", "an anchor")]
    [InlineData("""{"pattern": "\\p{L}"}""", "a Unicode property")]
    [InlineData("""{"$ref": "https://example.org/schema"}""", "'$ref' at #")]
    [InlineData("""{"$ref": "#"}""", "leads back to its own schema")]
    [InlineData("""{"anyOf": [{"type": "null"}, {"$ref": "#"}]}""", "leads back to its own schema")]
    [InlineData("""{"oneOf": [{"type": "integer"}, {"type": "number"}]}""", "the branches 0 and 1")]
    [InlineData("""{"oneOf": [{"required": ["a"]}, {"type": "string"}]}""", "the branches 0 and 1")] // the first says nothing of strings
    [InlineData("""{"maxLength": 100000}""", "'maxLength' at #")]
    [InlineData("""{"minProperties": 2}""", "'minProperties' at #")]
    [InlineData("""{"dependentRequired": {}}""", "'dependentRequired' at #")]
    [InlineData("""{"maxlength": 3}""", "'maxlength' at #")]
    [InlineData("""{"minimum": 1e40}""", "'minimum' at #")]
    public void What_cannot_be_enforced_is_refused_by_its_name_and_place(string schema, string named)
    {
        var error = Assert.Throws<NotSupportedException>(() => ConstraintRun.Compile(schema));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type": "text"}""", "'type' at #")]
    [InlineData("""{"minLength": -1}""", "'minLength' at #")]
    [InlineData("""{"pattern": "["}""", "'pattern' at #")]
    [InlineData("""{"$ref": "#/nowhere"}""", "'nowhere'")]
    [InlineData("""{"properties": {"a": 1}}""", "'properties/a' at #")]
    [InlineData("""{"required": "a"}""", "'required' at #")]
    [InlineData("""{"const": "\ud800"}""", "no Unicode")]
    [InlineData("3", "neither an object")]
    [InlineData("false", "cannot be satisfied")]
    [InlineData("""{"minimum": 3, "maximum": 2, "type": "integer"}""", "no integer lies between the limits")]
    [InlineData("""{"minLength": 3, "maxLength": 2}""", "'minLength' 3 is above 'maxLength' 2")]
    [InlineData("""{"properties": {"a": {"enum": []}}, "required": ["a"]}""", "at #/properties/a none of the listed values")]
    [InlineData("""{"properties": {"a": {"$ref": "#"}}, "required": ["a"]}""", "nested more than 64 deep")]
    [InlineData("""{"allOf": [{"type": "string"}, {"type": "integer"}]}""", "no type is left")]
    [InlineData("""{"required": ["a"], "properties": {}, "additionalProperties": false}""", "cannot be satisfied")]
    public void A_damaged_or_contradictory_schema_is_an_argument_error(string schema, string named)
    {
        var error = Assert.Throws<ArgumentException>(() => ConstraintRun.Compile(schema));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recursive_schema_stops_nesting_before_readers_do()
    {
        Grammar grammar = ConstraintRun.Compile("""{"items": {"$ref": "#"}}""");
        string deepest = new string('[', 64) + new string(']', 64);
        Assert.True(ConstraintRun.Accepts(grammar, deepest));
        Assert.False(ConstraintRun.Accepts(grammar, $"[{deepest}]"));
        Assert.Equal(1, JsonElement.Parse(deepest).GetArrayLength());
    }
}
