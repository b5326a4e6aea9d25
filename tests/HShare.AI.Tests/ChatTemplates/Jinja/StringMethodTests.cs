namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>Methods of strings.</summary>
/// <remarks>The expected texts are what Python's jinja2 renders with the settings of transformers.</remarks>
public sealed class StringMethodTests
{
    [Theory]
    [InlineData("{{ words.split() }}", "['a', 'b', 'c']")]
    [InlineData("{{ words.split(' ') }}", "['', 'a', '', 'b', 'c', '']")]
    [InlineData("{{ words.split(none, 1) }}", "['a', 'b c ']")]
    [InlineData("{{ words.split(' ', 2) }}", "['', 'a', ' b c ']")]
    [InlineData("{{ words.rsplit(' ', 1) }}", "[' a  b c', '']")]
    [InlineData("{{ words.rsplit(none, 1) }}", "[' a  b', 'c']")]
    [InlineData("{{ words.strip() }}", "a  b c")]
    [InlineData("{{ 'xxaxx'.lstrip('x') }}", "axx")]
    [InlineData("{{ 'xxaxx'.rstrip('x') }}", "xxa")]
    [InlineData("{{ 'a,b,c'.partition(',') }}", "('a', ',', 'b,c')")]
    [InlineData("{{ 'a,b,c'.rpartition(',') }}", "('a,b', ',', 'c')")]
    [InlineData("{{ 'abc'.partition('z') }}", "('abc', '', '')")]
    public void Splitting_and_stripping(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));

    [Theory]
    [InlineData("{{ 'abc'.startswith('a') }}", "True")]
    [InlineData("{{ 'abc'.endswith(('x', 'c')) }}", "True")]
    [InlineData("{{ 'abcabc'.replace('b', 'X', 1) }}", "aXcabc")]
    [InlineData("{{ 'abc'.replace('', '-') }}", "-a-b-c-")]
    [InlineData("{{ 'abc'.find('z') }}", "-1")]
    [InlineData("{{ 'abcabc'.rfind('b') }}", "4")]
    [InlineData("{{ 'abab'.count('ab') }}", "2")]
    [InlineData("{{ '42'.isdigit() }}", "True")]
    [InlineData("{{ '-'.join(['a','b']) }}", "a-b")]
    [InlineData("{{ 'Ab'.isupper() }}", "False")]
    [InlineData("{{ '7'.zfill(3) }}", "007")]
    [InlineData("{{ '-7'.zfill(4) }}", "-007")]
    [InlineData("{{ 'aXbX'.removesuffix('X') }}", "aXb")]
    [InlineData("{{ 'XaXb'.removeprefix('X') }}", "aXb")]
    public void Searching_and_replacing(string template, string expected) => Assert.Equal(expected, Rendering.Of(template));
}
