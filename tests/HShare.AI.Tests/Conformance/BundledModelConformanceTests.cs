using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>The bundled model, as it is examined.</summary>
internal static class BundledModelSubject
{
    public static ConformanceSubject Of(TinyClient tiny) => new(
        tiny.Client,
        TinyClient.Ask("What is the password of the chapel?"),
        new ChatMessage(ChatRole.User, "What is the weather like in Rome?"),
        AIFunctionFactory.Create(
            (string city) => """{"temperature": 21, "condition": "sunny"}""", "get_weather", "Get the current weather in a city."),
        "21");
}

/// <summary>Answers of the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class BundledModelConformanceTests(TinyClient tiny) : ChatClientConformance(BundledModelSubject.Of(tiny));

/// <summary>Function calls of the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class BundledModelToolConformanceTests(TinyClient tiny) : ToolConformance(BundledModelSubject.Of(tiny));

/// <summary>Required function calls of the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class BundledModelRequiredCallTests(TinyClient tiny) : RequiredCallConformance(BundledModelSubject.Of(tiny));

/// <summary>JSON answers of the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class BundledModelStructuredOutputTests(TinyClient tiny) : StructuredOutputConformance(BundledModelSubject.Of(tiny));
