using System.Globalization;
using System.Xml.Linq;

namespace HShare.Cli.Tests.Drawing;

/// <summary>A drawing read back, for questions about what is on it.</summary>
internal sealed class SvgFile
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly XElement _root;

    public SvgFile(string text) => _root = XDocument.Parse(text).Root!;

    /// <summary>All its lines of text.</summary>
    public IEnumerable<string> Texts => _root.Descendants(Svg + "text").Select(text => text.Value);

    /// <summary>All elements of a kind.</summary>
    public IEnumerable<XElement> All(string name) => _root.Descendants(Svg + name);

    /// <summary>Elements of a kind that are in groups of a class.</summary>
    public IEnumerable<XElement> In(string group, string name) =>
        All("g").Where(element => (string?)element.Attribute("class") == group).SelectMany(element => element.Descendants(Svg + name));

    /// <summary>The text of an element's tooltip.</summary>
    public static string? Tooltip(XElement element) => element.Element(Svg + "title")?.Value;

    /// <summary>A number among an element's attributes.</summary>
    public static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);

    /// <summary>Fails where a text runs over the edge of the card, or two texts of equal turn share a place.</summary>
    public void AssertTextsAreApart()
    {
        double width = Number(_root, "width"), height = Number(_root, "height");
        (double Left, double Right, double Top, double Bottom, string Text)[] boxes =
            [.. All("text").Where(text => text.Attribute("transform") is null).Select(Box)];
        foreach ((double left, double right, double top, double bottom, string text) in boxes)
            Assert.True(left >= 0 && right <= width && top >= 0 && bottom <= height, $"'{text}' runs over the edge.");
        for (int one = 0; one < boxes.Length; one++)
        {
            for (int other = 0; other < one; other++)
            {
                bool apart = boxes[one].Left >= boxes[other].Right || boxes[other].Left >= boxes[one].Right
                    || boxes[one].Top >= boxes[other].Bottom || boxes[other].Top >= boxes[one].Bottom;
                Assert.True(apart, $"'{boxes[one].Text}' lies over '{boxes[other].Text}'.");
            }
        }
    }

    private static (double Left, double Right, double Top, double Bottom, string Text) Box(XElement text)
    {
        double size = text.Attribute("font-size") is null ? 13 : Number(text, "font-size");
        double x = Number(text, "x"), y = Number(text, "y"), width = text.Value.Length * size * 0.5;
        double left = (string?)text.Attribute("text-anchor") switch { "middle" => x - (width / 2), "end" => x - width, _ => x };
        return (left, left + width, y - (size * 0.7), y, text.Value);
    }
}
