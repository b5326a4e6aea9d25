namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>Whitespace around tags.</summary>
/// <remarks>The expected texts are what Python's jinja2 renders with the settings of transformers.</remarks>
public sealed class WhitespaceTests
{
    [Theory]
    [InlineData(
        "a  {%- if true -%}  b  {%- endif -%}  c\n  {% if true %}  \n x\n  {% endif %}\n y {{- ' z ' -}}  w\n{# comment #}\n"
            + " {#- strip -#} q {%+ if true +%}\nr{% endif %}\n{% raw %}\n {{ not }} {% x %} {# y #}\n {% endraw %}\n"
            + "tail {{ '{{' }} {%- raw -%}   z   {%- endraw -%}   end\n{% generation %}\ngen {{ s }}\n{% endgeneration %}\nafter\n"
            + "    {%- for i in [1] %}\n\n  {{ i }}\n\n    {%- endfor %}\n  {%+ set q = 1 %} x\n",
        "abc\n  \n x\n y z w\nq \nr\n {{ not }} {% x %} {# y #}\ntail {{zend\ngen hello World-foo\nafter\n  1   x")]
    [InlineData("{% if true %}\nyes\n{% endif %}\n\nend\n", "yes\n\nend")]
    [InlineData("  {% if true %}\n  yes\n  {% endif %}\nend", "  yes\nend")]
    [InlineData("a\n  {{ 1 }}\n b", "a\n  1\n b")]
    [InlineData("{%- if true -%}\n x \n{%- endif -%}\n y", "xy")]
    [InlineData("x {%- if true %} y {% endif -%} z", "x y z")]
    [InlineData("a\r\nb\r{{ 1 }}\r\n", "a\nb\n1")]
    [InlineData("a {# c #}\n b\n  {# d #}\n e", "a  b\n e")]
    [InlineData("a {#- c -#} b", "ab")]
    [InlineData("  {%+ if true %}x{% endif +%}\ny", "  x\ny")]
    [InlineData("{{- 'a' -}}   b   {{- 'c' }}  ", "abc  ")]
    [InlineData("x\n\n", "x\n")]
    [InlineData("\n\n x", "\n\n x")]
    [InlineData("{% raw %}{{ a }}{% endraw %}\nb", "{{ a }}b")]
    [InlineData("  {% raw %}\n x\n  {% endraw %}\ny", "\n x\ny")]
    [InlineData("a {%- raw -%} b {%- endraw -%} c", "abc")]
    [InlineData("{% set a = 1 %}\n\t{% set b = 2 %}\t\n{{ a }}", "\t\n1")]
    public void Tags_trim_and_strip_blocks_as_transformers_sets(string template, string expected) =>
        Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{% for m in ms %}{% generation %}\n{{ m.content }}\n{% endgeneration %}{% endfor %}", "x\nY\nz\n")]
    public void Generation_tags_change_nothing(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));
}
