using HShare.AI.Tests.ToolCalls;

namespace HShare.AI.Tests;

public class ReasoningSplitterTests
{
    private static readonly ReasoningMarks Marks = new("<think>", "</think>");

    [Theory]
    [InlineData(false, "It is high.", "", "It is high.")]
    [InlineData(false, "\n\n<think>\nHm.\n\nHigh?\n</think>\n\nIt is high.\n", "Hm.\n\nHigh?", "It is high.\n")]
    [InlineData(false, "<think>\n\n</think>\n\nHigh.", "", "High.")]
    [InlineData(false, "<think>Hm", "Hm", "")]
    [InlineData(false, "<think>Hm </thin", "Hm </thin", "")]
    [InlineData(false, "<thin", "", "<thin")]
    [InlineData(false, " \n", "", " \n")]
    [InlineData(false, "<b>High</b> <think>no</think>", "", "<b>High</b> <think>no</think>")]
    [InlineData(false, "<think>a</think>b<think>c</think>", "a", "b<think>c</think>")]
    [InlineData(false, "<think>a <think> b</think>c</think>", "a <think> b", "c</think>")]
    [InlineData(true, "\nHm.\n</think>\n\nHigh.", "Hm.", "High.")]
    [InlineData(true, "Hm < 3", "Hm < 3", "")]
    [InlineData(true, "</think>High.", "", "High.")]
    [InlineData(true, "", "", "")]
    public void However_it_is_cut_reasoning_comes_off(bool isOpen, string answer, string reasoning, string text)
    {
        Assert.Equal((reasoning, text), Split(isOpen, [answer]));
        Assert.Equal((reasoning, text), Split(isOpen, answer.Select(c => c.ToString())));
        for (int seed = 0; seed < 60; seed++)
            Assert.Equal((reasoning, text), Split(isOpen, ParserRun.Cut(answer, new Random(seed))));
    }

    [Fact]
    public void Reasoning_and_text_stream()
    {
        var splitter = new ReasoningSplitter(Marks, isOpen: false);
        Assert.Equal(("", ""), splitter.Append("<th"));
        Assert.False(splitter.IsInside);
        Assert.Equal(("", ""), splitter.Append("ink>\n"));
        Assert.True(splitter.IsInside);
        Assert.Equal(("Hm", ""), splitter.Append("Hm "));
        Assert.Equal((" so", ""), splitter.Append("so</"));
        Assert.Equal(("", ""), splitter.Append("think>\n"));
        Assert.False(splitter.IsInside);
        Assert.Equal(("", "High"), splitter.Append("\nHigh"));
        Assert.Equal(("", " "), splitter.Append(" "));
    }

    [Theory]
    [InlineData("... '<think>\\n' ...", "<think>")]
    [InlineData("content.split('</think>')", "<think>")]
    [InlineData("'[THINK]' + block['thinking']", "[THINK]")]
    [InlineData("<|im_start|>", null)]
    public void A_template_tells_the_marks(string source, string? opening) => Assert.Equal(opening, ReasoningMarks.Find(source)?.Opening);

    private static (string Reasoning, string Text) Split(bool isOpen, IEnumerable<string> pieces)
    {
        var splitter = new ReasoningSplitter(Marks, isOpen);
        (string reasoning, string text) = ("", "");
        foreach (string piece in pieces)
            Add(splitter.Append(piece));
        Add(splitter.Flush());
        return (reasoning, text);

        void Add((string Reasoning, string Text) part)
        {
            reasoning += part.Reasoning;
            text += part.Text;
        }
    }
}
