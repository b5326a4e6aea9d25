namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>What values look like as text.</summary>
/// <remarks>The expected texts are what Python's jinja2 renders with the settings of transformers.</remarks>
public sealed class PythonTextTests
{
    [Theory]
    [InlineData("{{ d }}", "{'b': 1, 'a': [1, 2.0, None, True, \"x'y\", 'q\"'], 'items': 5}")]
    [InlineData("{{ d.items() }}", "dict_items([('b', 1), ('a', [1, 2.0, None, True, \"x'y\", 'q\"']), ('items', 5)])")]
    [InlineData("{{ d['items'] }}", "5")]
    [InlineData("{{ d.a }}", "[1, 2.0, None, True, \"x'y\", 'q\"']")]
    [InlineData("{{ d.keys() }}", "dict_keys(['b', 'a', 'items'])")]
    [InlineData("{{ d.values()|list }}", "[1, [1, 2.0, None, True, \"x'y\", 'q\"'], 5]")]
    [InlineData("{{ [1, 2.5, 'a\\'b', \"c\", none, true, undefined_x] }}", "[1, 2.5, \"a'b\", 'c', None, True, Undefined]")]
    [InlineData("{{ (1,) }}", "(1,)")]
    [InlineData("{{ (1, 2) }}", "(1, 2)")]
    [InlineData("{{ () }}", "()")]
    [InlineData("{{ {'a': 1, 2: 'b'} }}", "{'a': 1, 2: 'b'}")]
    [InlineData("{{ {1: {}} }}", "{1: {}}")]
    [InlineData("{{ \"%s\" }}", "%s")]
    [InlineData("{{ 'a\"b' }}", "a\"b")]
    [InlineData("{{ ['a\"b', \"a'b\", 'a\\'\"b', 'a\\\\b\\n'] }}", "['a\"b', \"a'b\", 'a\\'\"b', 'a\\\\b\\n']")]
    [InlineData("{{ ['é\\x00\\u200b'] }}", "['é\\x00\\u200b']")]
    [InlineData("{{ [1,[2,[3]]] }}", "[1, [2, [3]]]")]
    [InlineData("{{ {'k':[{'z':(1,)}]} }}", "{'k': [{'z': (1,)}]}")]
    [InlineData("{{ [True, False, None] }}", "[True, False, None]")]
    public void Lists_and_dictionaries_print_as_Python_writes_them(string template, string expected) =>
        Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{{ f }}", "1.5")]
    [InlineData("{{ e }}", "1e+16")]
    [InlineData("{{ sm }}", "1e-07")]
    [InlineData("{{ m15 }}", "1234567890123456.0")]
    [InlineData("{{ z }}", "0.1")]
    [InlineData("{{ big }}", "18446744073709551615")]
    [InlineData("{{ big + 1 }}", "18446744073709551616")]
    [InlineData("{{ 1e15 }}", "1000000000000000.0")]
    [InlineData("{{ 123456789.125 }}", "123456789.125")]
    [InlineData("{{ 1e-4 }}", "0.0001")]
    [InlineData("{{ 1e-5 }}", "1e-05")]
    [InlineData("{{ 1.0 }}", "1.0")]
    [InlineData("{{ 1e100 }}", "1e+100")]
    public void Numbers_print_as_Python_writes_them(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{{ \"line1\\nline2\" }}", "line1\nline2")]
    [InlineData("{{ 'a\\\\nb' }}", "a\\nb")]
    [InlineData("{{ 'tab\\tq' }}", "tab\tq")]
    [InlineData("{{ \"<a>&'\\\"\\\\\\n\\t\\x07\\u00e9\\u2028é\"|tojson }}", "\"<a>&'\\\"\\\\\\n\\t\\u0007é\u2028é\"")]
    [InlineData("{{ \"\\x41\\101\\u0042\\q\\\nz\" }}", "AAB\\qz")]
    [InlineData("{{ 'a' \"b\" 'c' }}", "abc")]
    [InlineData("{{ '\\U0001F600' }}", "😀")]
    public void String_literals_have_Pythons_escapes(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{{ u|length }}", "3")]
    [InlineData("{{ u[1] }}", "😀")]
    [InlineData("{{ u[1:] }}", "😀b")]
    [InlineData("{{ u[::-1] }}", "b😀a")]
    [InlineData("{{ u|tojson }}", "\"a😀b\"")]
    [InlineData("{{ u|tojson(ensure_ascii=True) }}", "\"a\\ud83d\\ude00b\"")]
    [InlineData("{{ u.find('b') }}", "2")]
    [InlineData("{{ u|list }}", "['a', '😀', 'b']")]
    public void Strings_count_code_points(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));
}
