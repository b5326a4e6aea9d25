using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;

namespace HShare.AI.Tests.ChatTemplates.Jinja;

/// <summary>Renders small templates over the same few variables.</summary>
internal static class Rendering
{
    private const string Variables = """
        {
          "s": "hello World-foo", "u": "a😀b", "n": null, "t": true, "words": " a  b c ", "lines": "a\n\nb\r\nc",
          "f": 1.5, "big": 18446744073709551615, "e": 1e+16, "z": 0.1, "sm": 1e-07, "m15": 1234567890123456.0, "neg": -7,
          "l": [3, 1, 2],
          "d": { "b": 1, "a": [1, 2.0, null, true, "x'y", "q\""], "items": 5 },
          "ms": [
            { "role": "user", "content": "x" },
            { "role": "system", "content": "Y" },
            { "role": "user", "content": "z", "n": { "k": [7] } }
          ]
        }
        """;

    public static string Of(string template) =>
        new ChatTemplate(template, clock: FixedClock.Instance).Render([], variables: JsonNode.Parse(Variables)!.AsObject());
}
