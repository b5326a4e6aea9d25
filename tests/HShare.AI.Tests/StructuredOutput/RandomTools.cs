using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.StructuredOutput;

/// <summary>
/// Small sets of functions drawn from a seed. Parameters are of kinds that come to an end (an enumeration, a bounded integer, a truth
/// value,
/// a text of at most <see cref="LongestText"/> characters), so that a call does too.
/// </summary>
internal sealed class RandomTools
{
    private const int LongestText = 10;

    private static readonly string[] Verbs = ["set", "get", "find", "book", "send", "close"];
    private static readonly string[] Nouns = ["lamp", "timer", "ticket", "door", "letter", "weather"];
    private static readonly string[] Words = ["red", "north", "slow", "größer", "B-7", "two words", "\"quoted\""];

    private readonly Dictionary<string, JsonObject> _parameters = []; // by function

    /// <summary>Draws one to three functions of up to three parameters each.</summary>
    public RandomTools(int seed)
    {
        var random = new Random(seed);
        int count = random.Next(1, 4);
        while (_parameters.Count < count)
            _parameters.TryAdd($"{Pick(random, Verbs)}_{Pick(random, Nouns)}", Parameters(random));
    }

    /// <summary>The functions, as a request offers them.</summary>
    public IList<AITool> Offered => [.. _parameters.Select(tool => AIFunctionFactory.CreateDeclaration(
        tool.Key, $"Does what {tool.Key} says.", JsonElement.Parse(tool.Value.ToJsonString())))];

    /// <summary>Asserts that a call is one of a function of the set, with arguments that its schema allows.</summary>
    public void AssertAllows(FunctionCallContent call)
    {
        Assert.Null(call.Exception);
        Assert.True(_parameters.TryGetValue(call.Name, out JsonObject? schema), call.Name);
        JsonObject properties = schema["properties"]!.AsObject();
        IDictionary<string, object?> arguments = call.Arguments!;
        Assert.All(arguments.Keys, name => Assert.True(properties.ContainsKey(name), name));
        Assert.All(schema["required"]!.AsArray(), name => Assert.True(arguments.ContainsKey((string)name!), (string)name!));
        foreach ((string name, object? value) in arguments)
            Assert.True(Allows(properties[name]!.AsObject(), (JsonElement)value!), $"{call.Name}, {name}: {value}");
    }

    private static JsonObject Parameters(Random random)
    {
        JsonObject properties = [];
        JsonArray required = [];
        for (int i = random.Next(4); i > 0; i--)
        {
            properties[$"p{i}"] = Parameter(random);
            if (random.Next(3) > 0)
                required.Add($"p{i}");
        }

        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = required,
            ["additionalProperties"] = false,
        };
    }

    private static JsonObject Parameter(Random random) => random.Next(4) switch
    {
        0 => new JsonObject { ["enum"] = new JsonArray([.. Words.Where(_ => random.Next(2) == 0).Append("other")]) },
        1 => new JsonObject { ["type"] = "integer", ["minimum"] = random.Next(-9, 5), ["maximum"] = random.Next(5, 2000) },
        2 => new JsonObject { ["type"] = "boolean" },
        _ => new JsonObject { ["type"] = "string", ["minLength"] = random.Next(3), ["maxLength"] = random.Next(3, LongestText + 1) },
    };

    private static bool Allows(JsonObject schema, JsonElement value)
    {
        if (schema["enum"] is JsonArray words)
            return words.Any(word => (string?)word == value.GetString());
        return (string)schema["type"]! switch
        {
            "integer" => value.TryGetInt32(out int number) && number >= (int)schema["minimum"]! && number <= (int)schema["maximum"]!,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            _ => value.GetString()!.EnumerateRunes().Count() is int length
                && length >= (int)schema["minLength"]! && length <= (int)schema["maxLength"]!,
        };
    }

    private static string Pick(Random random, string[] choices) => choices[random.Next(choices.Length)];
}
