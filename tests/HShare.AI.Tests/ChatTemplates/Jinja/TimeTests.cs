namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>The function <c>strftime_now</c>.</summary>
/// <remarks>The expected texts are what Python's <c>strftime</c> gives for 7 March 2025, 9:05:04.</remarks>
public sealed class TimeTests
{
    [Theory]
    [InlineData("%d %b %Y", "07 Mar 2025")]
    [InlineData("%A, %-d %B %y", "Friday, 7 March 25")]
    [InlineData("%a %e %H:%M:%S", "Fri  7 09:05:04")]
    [InlineData("%F %T %j %p %I", "2025-03-07 09:05:04 066 AM 09")]
    [InlineData("100%% %", "100% %")]
    public void Strftime_formats_as_Python_does(string format, string expected) =>
        Assert.Equal(expected, Rendering.Of($"{{{{ strftime_now('{format}') }}}}"));
}
