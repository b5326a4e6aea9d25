namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>Loops, macros and assignments.</summary>
/// <remarks>The expected texts are what Python's jinja2 renders with the settings of transformers.</remarks>
public sealed class StatementTests
{
    [Theory]
    [InlineData(
        "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}"
            + "{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.depth }}{{ loop.cycle('o','e') }}"
            + "{{ loop.changed(x) }};{% endfor %}",
        "10TrueFalse33211oTrue;21FalseFalse321321eTrue;32FalseTrue31011oTrue;")]
    [InlineData(
        "{% for m in ms %}{% for x in l %}{{ loop.depth }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}",
        "11 12 13 1;11 12 13 2;11 12 13 3;")]
    public void Loops_know_where_they_are(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }},{% else %}none{% endfor %}", "1/2:3,2/2:2,")]
    [InlineData("{% for x in [] %}a{% else %}none{% endfor %}", "none")]
    [InlineData("{% for x in l if x > 9 %}a{% else %}none{% endfor %}", "none")]
    [InlineData("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "b=1;a=[1, 2.0, None, True, \"x'y\", 'q\"'];items=5;")]
    [InlineData("{% for k, v in d|items %}{{ k }}{% endfor %}", "baitems")]
    [InlineData("{% for c in 'abc' %}{{ c }}.{% endfor %}", "a.b.c.")]
    [InlineData("{% for k in d %}{{ k }}{% endfor %}", "baitems")]
    [InlineData("{% for a, b in [(1, 2), [3, 4]] %}{{ a + b }},{% endfor %}", "3,7,")]
    public void Loops_filter_unpack_and_have_an_else(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData(
        "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
        "0134")]
    [InlineData("{% for x in range(1, 10, 3) %}{{ x }}{% endfor %}|{{ range(5, 0, -2)|list }}|{{ range(0)|list }}", "147|[5, 3, 1]|[]")]
    public void Loops_break_and_continue(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "12121")]
    [InlineData("{% if true %}{% set y = 5 %}{% endif %}{{ y }}", "5")]
    [InlineData(
        "{% set ns = namespace(a=1, found=false) %}{% for i in l %}{% set ns.a = ns.a + i %}{% if not ns.found %}"
            + "{% set ns.found = true %}F{% endif %}{% endfor %}{{ ns.a }}{{ ns.found }}{{ ns.zzz is defined }}",
        "F7TrueFalse")]
    [InlineData("{% set ns2 = namespace({'p': 1}, q=2) %}{{ ns2.p + ns2.q }}", "3")]
    public void Loops_keep_their_variables_to_themselves_and_namespaces_do_not(string template, string expected) =>
        Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData(
        "{% macro m(a, b=2, c='x' ~ a) %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=5, a=4) }}"
            + "{{ m() }}{{ m(*[7, 8]) }}{{ m(**{'a': 9}) }}|{{ m(1) ~ 'z' }}|{{ m is callable }}",
        "[1,2,x1][1,2,3][4,5,x4][,2,x][7,8,x7][9,2,x9]|[1,2,x1]z|True")]
    [InlineData("{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(3) }}", "3210")]
    [InlineData("{% set g = 'G' %}{% macro sees() %}{{ g }}{{ late }}{% endmacro %}{% set late = 'L' %}{{ sees() }}", "GL")]
    public void Macros_have_defaults_names_and_recursion(string template, string expected) =>
        Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData(
        "{% macro w(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call w('b') %}body {{ s }}{% endcall %}",
        "<b>body hello World-foo</b>")]
    [InlineData(
        "{% macro e(xs) %}{% for x in xs %}{{ caller(x) }};{% endfor %}{% endmacro %}{% call(q) e([1,2]) %}<{{ q }}>{% endcall %}",
        "<1>;<2>;")]
    public void Call_blocks_give_macros_a_caller(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{% set block %}  in {{ s }} {% endset %}[{{ block }}]", "[  in hello World-foo ]")]
    [InlineData("{% set up | upper | trim %} abc {% endset %}[{{ up }}]", "[ABC]")]
    [InlineData("{% filter upper %}abc{{ s }}{% endfilter %}", "ABCHELLO WORLD-FOO")]
    [InlineData("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12")]
    [InlineData("{% set tup = 1, 2 %}{{ tup }}", "(1, 2)")]
    [InlineData("{% set (c, d2) = [5, 6] %}{{ c }}{{ d2 }}", "56")]
    public void Set_and_filter_blocks_capture_their_body(string template, string expected) =>
        Assert.Equal(expected, Rendering.Of(template));
}
