using HShare.AI.ChatTemplates;

namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>What goes wrong in a template is said with its place.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("{{ 1 ", "line 1, column 1", "not closed")]
    [InlineData("a\n {% if x %}", "line 2, column 12", "'{% endif %}'")]
    [InlineData("{% if x %}a{% endfor %}", "line 1, column 15", "'endfor'")]
    [InlineData("{% frobnicate %}", "line 1, column 4", "'frobnicate'")]
    [InlineData("{{ a b }}", "line 1, column 6", "expected '}}', found 'b'")]
    [InlineData("{{ (1 }}", "line 1, column 7", "unexpected '}'")]
    [InlineData("{{ 'abc }}", "line 1, column 4", "string is not closed")]
    [InlineData("{{ 1 + }}", "line 1, column 8", "expected an expression")]
    [InlineData("x\n{# c", "line 2, column 1", "comment is not closed")]
    [InlineData("{% raw %}x", "line 1, column 1", "raw block is not closed")]
    [InlineData("{% for x in y recursive %}{% endfor %}", "line 1, column 15", "recursive")]
    [InlineData("{{ a ? b }}", "line 1, column 6", "unexpected character '?'")]
    public void A_template_that_does_not_parse_says_where(string template, string place, string what)
    {
        ChatTemplateException error = Assert.Throws<ChatTemplateException>(() => new ChatTemplate(template));
        Assert.Contains(place, error.Message);
        Assert.Contains(what, error.Message);
    }

    [Theory]
    [InlineData("{{ s|nofilter }}", "line 1, column 6", "unknown filter 'nofilter'")]
    [InlineData("a\n{{ s is notest }}", "line 2, column 9", "unknown test 'notest'")]
    [InlineData("{{ nofunction(1) }}", "line 1, column 14", "unknown function 'nofunction'")]
    [InlineData("{{ s.nomethod() }}", "line 1, column 14", "no attribute 'nomethod'")]
    [InlineData("{{ x.y }}", "line 1, column 5", "'x' is undefined")]
    [InlineData("{{ d.nope.x }}", "line 1, column 10", "no attribute 'nope'")]
    [InlineData("{{ 'a' + 1 }}", "line 1, column 8", "'str' and 'int'")]
    [InlineData("{{ n + 'a' }}", "line 1, column 6", "'NoneType' and 'str'")]
    [InlineData("{{ 1 / 0 }}", "line 1, column 6", "division by zero")]
    [InlineData("{{ l.append(1) }}", "line 1, column 12", "'append' would change")]
    [InlineData("{{ nope|tojson }}", "line 1, column 9", "'nope' is undefined")]
    [InlineData("{% for x in n %}{% endfor %}", "line 1, column 13", "'NoneType' cannot be looped over")]
    [InlineData("{{ l|map('upper')|length }}", "line 1, column 19", "'generator' has no length")]
    [InlineData("{% for x in l|map('nofilter') %}{% endfor %}", "line 1, column 4", "unknown filter 'nofilter'")]
    [InlineData("{{ s|replace('a') }}", "line 1, column 6", "'new'")]
    [InlineData("{{ s|trim(colour=1) }}", "line 1, column 6", "no argument named 'colour'")]
    [InlineData("{% set x.y = 1 %}", "line 1, column 8", "'x' is not a namespace")]
    [InlineData("{% set a, b = l %}", "line 1, column 8", "3 values")]
    [InlineData("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "line 1, column 35", "at most 1")]
    [InlineData("{{ strftime_now('%Q') }}", "line 1, column 16", "'%Q'")]
    [InlineData("{{ [1, 'a']|sort }}", "line 1, column 13", "'<' to values of types")]
    [InlineData("{{ {1: 1, 'a': 2}|tojson(sort_keys=true) }}", "line 1, column 19", "'<' to values of types")]
    public void A_template_that_fails_says_where(string template, string place, string what)
    {
        ChatTemplateException error = Assert.Throws<ChatTemplateException>(() => Rendering.Of(template));
        Assert.Contains(place, error.Message);
        Assert.Contains(what, error.Message);
    }

    [Fact]
    public void A_template_may_refuse_a_conversation()
    {
        ChatTemplateException error = Assert.Throws<ChatTemplateException>(() => Rendering.Of("\n  {{ raise_exception('no ' ~ s) }}"));
        Assert.Equal("Chat template, line 2, column 21: the template refused the conversation: no hello World-foo", error.Message);
    }

    [Theory]
    [InlineData("{{ range(200000)|length }}", "range of 200000")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "deep")]
    [InlineData("{{ 'x' * 1000000000000 }}", "characters")]
    [InlineData("{% set ns = namespace(x='0123456789') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "characters")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "items")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}", "too deeply")]
    [InlineData("{{ 10 ** 1000 }}", "too large")]
    public void A_runaway_template_is_stopped(string template, string what)
    {
        Assert.Contains(what, ErrorOnASmallStack(() => Rendering.Of(template)).Message);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "not ", "1", "", " }}")]
    [InlineData("", "{% if 1 %}", "x", "{% endif %}", "")]
    [InlineData("{% set ", "(", "a", ")", " = 1 %}")]
    public void A_deeply_nested_template_is_refused(string start, string open, string middle, string close, string end)
    {
        string template = start + Repeat(open) + middle + Repeat(close) + end;
        Assert.Contains("nested too deeply", ErrorOnASmallStack(() => new ChatTemplate(template)).Message);
    }

    [Fact]
    public void A_long_chain_of_operators_is_refused_not_fatal()
    {
        ChatTemplate template = new("{{ 1" + Repeat(" + 1") + " }}");
        Assert.Contains("nested too deeply", ErrorOnASmallStack(() => template.Render([])).Message);
    }

    [Fact]
    public void Tags_nested_deeper_than_the_rendering_stack_are_refused_not_fatal()
    {
        ChatTemplate? template = null;
        Thread parse = new(
            () => template = new ChatTemplate(Repeat("{% generation %}") + Repeat("{% endgeneration %}")), maxStackSize: 64 << 20);
        parse.Start();
        parse.Join();
        Assert.Contains("nested too deeply", ErrorOnASmallStack(() => template!.Render([])).Message);
    }

    private static string Repeat(string text) => string.Concat(Enumerable.Repeat(text, 20_000));

    /// <summary>Deep recursion must end in an error on whatever stack it runs; a small one gets there soon.</summary>
    private static ChatTemplateException ErrorOnASmallStack(Action action)
    {
        Exception? thrown = null;
        Thread thread = new(() => thrown = Record.Exception(action), maxStackSize: 512 * 1024);
        thread.Start();
        thread.Join();
        return Assert.IsType<ChatTemplateException>(thrown);
    }
}
