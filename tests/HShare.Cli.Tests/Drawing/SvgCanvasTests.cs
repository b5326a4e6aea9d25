using System.Globalization;
using HShare.Cli.Drawing;

namespace HShare.Cli.Tests.Drawing;

public sealed class SvgCanvasTests
{
    [Fact]
    public void Texts_come_back_as_they_were_whatever_they_hold()
    {
        const string Nasty = "</text><script>\"a\" & 'b'</script> ]]> \u00fc \u6f22 \ud83d\ude00";
        var canvas = new SvgCanvas(100, 50, Nasty);
        canvas.Text(1, 2, Nasty);
        canvas.Rect(0, 0, 5, 5, "#ffffff", tooltip: Nasty);
        using (canvas.InGroup(Nasty))
            canvas.Circle(1, 1, 1, Nasty);

        var file = new SvgFile(canvas.ToString());

        Assert.Equal([Nasty], file.Texts);
        Assert.Equal(Nasty, SvgFile.Tooltip(file.All("rect").Last()));
        Assert.Equal(Nasty, (string?)file.In(Nasty, "circle").Single().Attribute("fill"));
        Assert.Empty(file.All("script"));
    }

    [Fact]
    public void What_xml_cannot_hold_becomes_the_replacement_character()
    {
        var canvas = new SvgCanvas(100, 50, "t");
        canvas.Text(1, 2, "a\0b\ud800c\uffffd\ne");

        Assert.Equal(["a\ufffdb\ufffdc\ufffdd e"], new SvgFile(canvas.ToString()).Texts);
    }

    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        odd.NumberFormat.NumberDecimalSeparator = ",";
        odd.NumberFormat.NegativeSign = "minus";
        CultureInfo.CurrentCulture = odd;
        try
        {
            var canvas = new SvgCanvas(100.5, 50, "t");
            canvas.Line(-1.25, -0.001, 1e7 / 3, 0, "#000000");

            Assert.Contains("width=\"100.5\"", canvas.ToString());
            Assert.Contains("x1=\"-1.25\" y1=\"0\" x2=\"3333333.33\" y2=\"0\"", canvas.ToString());
            Assert.Equal("1,234.5", NumberForm.Plain.Write(1234.5));
            Assert.Equal("12.5 %", NumberForm.Percent.Write(0.125));
            Assert.Equal("1.5 KiB", NumberForm.Bytes.Write(1536));
            Assert.Equal("2.5x", NumberForm.Ratio.Write(2.5));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Lengths_that_are_no_numbers_are_refused(double length) =>
        Assert.Throws<ArgumentException>(() => new SvgCanvas(10, 10, "t").Line(0, 0, length, 0, "#000000"));
}
