namespace HShare.AI.Tests;

public class StopMatcherTests
{
    [Theory]
    [InlineData("one two three", "one ", "two")]
    [InlineData("aaab and more", "a", "aab")]
    [InlineData("ababac!", "ab", "abac")]
    [InlineData("xabcabcabd", "xabc", "abcabd")]
    [InlineData("nothing here", "nothing here", "nowhere")]
    [InlineData("almost the en", "almost the en", "end")]
    [InlineData("stop", "", "stop")]
    [InlineData("\n\nUser: hi", "", "\n\nUser:", "\nUser:")]
    [InlineData("abcd", "a", "abcde", "bc")]
    [InlineData("abcd", "", "abc", "bc", "c")]
    [InlineData("ünïcödé 🌊 end", "ünïcödé ", "🌊")]
    public void The_answer_is_the_same_however_the_text_is_cut(string text, string expected, params string[] stops)
    {
        for (int cuts = 0; cuts < 1 << (text.Length - 1); cuts++)
        {
            var matcher = new StopMatcher(stops);
            string answer = "";
            int start = 0;
            for (int i = 1; i <= text.Length && !matcher.IsStopped; i++)
            {
                if (i < text.Length && (cuts >> (i - 1) & 1) == 0)
                    continue;

                answer += matcher.Append("") + matcher.Append(text[start..i]); // tokens that end within a character have no text
                start = i;
                Assert.StartsWith(answer, expected, StringComparison.Ordinal);
            }

            bool stopped = matcher.IsStopped;
            answer += matcher.Flush();
            Assert.Equal(expected, answer);
            Assert.Equal(expected != text, stopped);
        }
    }

    [Fact]
    public void Only_what_may_begin_a_stop_text_is_held_back()
    {
        var matcher = new StopMatcher(["\n\nUser:"]);
        Assert.Equal("Hello", matcher.Append("Hello"));
        Assert.Equal("", matcher.Append("\n"));
        Assert.Equal("", matcher.Append("\nUs"));
        Assert.Equal("\n\nUsual", matcher.Append("ual"));
        Assert.Equal(" text", matcher.Append(" text\n\n"));
        Assert.Equal("\n", matcher.Append("\n"));
        Assert.Equal("\n\n", matcher.Flush());
        Assert.False(matcher.IsStopped);
    }

    [Fact]
    public void Without_stop_texts_nothing_is_held_back()
    {
        var matcher = new StopMatcher([]);
        Assert.Equal("any text", matcher.Append("any text"));
        Assert.Equal("", matcher.Flush());
    }
}
