using System.Text.Json.Nodes;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

/// <summary>Random schemas of every feature that is supported; most have a value, some contradict themselves.</summary>
internal sealed class RandomSchema(Random random)
{
    private static readonly string[] Names = ["a", "b", "name", "value", "größe", "日本", "with \"quotes\"", "tab\t", "a b", "x/y~z"];

    private static readonly string[] Patterns =
    [
        "^[a-z]{2,4}$", "^\\d+(\\.\\d{2})?$", "^(red|green|blue)$", "x", "^[^a-z\"]{0,3}$", "^\\w+@\\w+$", "^a?b*c+$",
        "^[\\u00e0-\\u00ff]+$", "^.{1,3}$",
    ];

    private static readonly string[] Formats = ["date", "time", "date-time", "uuid", "email", "uri", "ipv4"];

    private bool _hasDefinition;

    public string Next()
    {
        _hasDefinition = false;
        JsonNode root = Schema(3);
        if (_hasDefinition && root is JsonObject schema)
        {
            schema["$defs"] = new JsonObject
            {
                ["node"] = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject
                    {
                        ["value"] = Scalar(),
                        ["next"] = new JsonObject { ["$ref"] = "#/$defs/node" },
                        ["children"] = new JsonObject { ["items"] = new JsonObject { ["$ref"] = "#/$defs/node" }, ["maxItems"] = 2 },
                    },
                    ["required"] = new JsonArray("value"),
                },
            };
        }

        return root.ToJsonString();
    }

    private JsonNode Schema(int depth)
    {
        int kind = random.Next(depth > 0 ? 14 : 6);
        if (kind == 12 && depth == 3)
            kind = 8; // the root holds the definitions
        switch (kind)
        {
            case < 6:
                return Scalar();
            case < 9:
                return Object(depth - 1);
            case < 11:
                return Array(depth - 1);
            case 11:
                return new JsonObject { ["anyOf"] = new JsonArray(Schema(depth - 1), Schema(depth - 1)) };
            case 12:
                _hasDefinition = true;
                return new JsonObject { ["$ref"] = "#/$defs/node" };
            default:
                return new JsonObject
                {
                    ["oneOf"] = new JsonArray(new JsonObject { ["type"] = "null" }, Object(depth - 1)),
                    ["description"] = "Perhaps nothing.",
                };
        }
    }

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (string name in random.GetItems(Names, random.Next(5)).Distinct())
        {
            properties[name] = Schema(depth);
            if (random.Next(2) == 0)
                required.Add(name);
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0)
            schema["required"] = required;
        if (random.Next(4) == 0)
            schema["additionalProperties"] = random.Next(2) == 0 ? Schema(0) : false;
        if (random.Next(6) == 0)
            schema["minProperties"] = 1;
        if (random.Next(6) == 0)
            schema["maxProperties"] = random.Next(1, 4);
        return random.Next(6) > 0 ? schema : new JsonObject
        {
            ["allOf"] = new JsonArray(schema, new JsonObject { ["maxProperties"] = 4 }),
        };
    }

    private JsonObject Array(int depth)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = Schema(depth) };
        if (random.Next(4) == 0)
            schema["prefixItems"] = new JsonArray(Scalar(), Scalar());
        if (random.Next(3) == 0)
            schema["minItems"] = random.Next(3);
        if (random.Next(3) == 0)
            schema["maxItems"] = random.Next(1, 5);
        return schema;
    }

    private JsonObject Scalar()
    {
        switch (random.Next(8))
        {
            case 0:
                return new JsonObject { ["type"] = random.Next(2) == 0 ? "boolean" : "null" };
            case 1:
                return new JsonObject { ["enum"] = new JsonArray("a", "ab", 1, 2.5, null, true, "\"\\\n", "é", new JsonArray(1, "x")) };
            case 2:
                return new JsonObject { ["const"] = random.Next(2) == 0 ? "fixed" : new JsonObject { ["k"] = 1 } };
            case 3:
                return Limited("integer", random.Next(-2000, 2000), random.Next(0, 3000));
            case 4:
                return Limited("number", random.Next(-2000, 2000) / 100m, random.Next(0, 3000) / 1000m);
            case 5:
                return new JsonObject { ["type"] = "string", ["pattern"] = Patterns[random.Next(Patterns.Length)] };
            case 6:
                return new JsonObject { ["type"] = new JsonArray("string", "null"), ["format"] = Formats[random.Next(Formats.Length)] };
            default:
                int least = random.Next(4);
                var schema = new JsonObject { ["type"] = "string", ["minLength"] = least, ["maxLength"] = least + random.Next(6) };
                if (random.Next(4) == 0)
                    schema["pattern"] = "^[a-é]*$";
                return schema;
        }
    }

    private JsonObject Limited(string type, decimal low, decimal span)
    {
        var schema = new JsonObject { ["type"] = type };
        if (random.Next(3) > 0)
            schema[random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
        if (random.Next(3) > 0)
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = low + span;
        return schema;
    }
}
