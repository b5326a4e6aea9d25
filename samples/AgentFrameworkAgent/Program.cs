// An agent with two tools, one of which searches a long document: AgentFrameworkAgent [QUESTION]... [--attention PRESET]
using System.ComponentModel;
using HShare.AI;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Samples.Shared;

int flag = Array.IndexOf(args, "--attention");
AttentionPreset? attention = null;
try
{
    attention = flag >= 0 ? AttentionPreset.Parse(args.ElementAtOrDefault(flag + 1) ?? "") : null;
}
catch (ArgumentException error)
{
    Console.Error.WriteLine(error.Message); // says what is wrong, and which presets there are
    return 2;
}

string[] questions = [.. args.Where((_, i) => flag < 0 || (i != flag && i != flag + 1))];
if (questions.Length == 0)
{
    questions =
        ["Search the documents for the crystal lens.", "Search the documents for the iron door.", "What is the weather like in Wenholm?"];
}

HostApplicationBuilder builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);

// The bundled model. For your own: options => options.ModelPath = "/models/Qwen3-4B", or a section of appsettings.json.
builder.Services.AddHShareChatClient(options =>
{
    options.MaxBatch = 1;
    if (attention is not null)
        options.AttentionPresets.Add(attention.ToString()); // what a request may ask for
});
using IHost host = builder.Build();
CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping; // Ctrl-C
try
{
    await host.StartAsync(); // loads the model
    var yearbook = new LongDocument(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "harbour-yearbook.txt")));
    AITool search = AIFunctionFactory.Create(
        ([Description("What to look for.")] string query) => yearbook.Search(query),
        "search_documents", "Search the indexed documents.");
    AITool weather = AIFunctionFactory.Create( // stands in for a weather service
        ([Description("The city.")] string city) => $$"""{"temperature": {{10 + city.Length}}, "condition": "windy"}""",
        "get_weather", "Get the current weather in a city.");

    // The agent calls the tools itself; nothing else has to be put around the client.
    AIAgent agent = host.Services.GetRequiredService<IChatClient>().AsAIAgent(
        instructions: "Use a tool when it helps.", name: "Harbour", tools: [search, weather]);

    var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 100 };
    if (attention is not null)
        options.AdditionalProperties = new() { [GenerationOptionKeys.Attention] = attention.ToString() };
    foreach (string question in questions)
    {
        // A session of its own for each question: a model this small loses its way in a long conversation.
        AgentSession session = await agent.CreateSessionAsync(stopping);
        Console.WriteLine($"Question: {question}");
        await AskAsync(agent, session, question, new ChatClientAgentRunOptions(options), stopping);
    }

    await host.StopAsync();
    return 0;
}
catch (OperationCanceledException)
{
    return 130;
}
catch (Exception error) when (error is HShareException or OptionsValidationException)
{
    Console.Error.WriteLine(error.Message); // says what was wrong and what to do
    return 1;
}

static async Task AskAsync(
    AIAgent agent, AgentSession session, string question, AgentRunOptions options, CancellationToken cancellationToken)
{
    var usage = new UsageDetails();
    bool begun = false;
    await foreach (AgentResponseUpdate update in agent.RunStreamingAsync(question, session, options, cancellationToken))
    {
        foreach (AIContent content in update.Contents)
        {
            switch (content)
            {
                case FunctionCallContent call:
                    string arguments = string.Join(", ", call.Arguments?.Select(argument => $"{argument.Key}: {argument.Value}") ?? []);
                    Console.WriteLine($"Call:     {call.Name}({arguments})");
                    break;
                case FunctionResultContent result:
                    Console.WriteLine($"Result:   {result.Result}");
                    break;
                case TextContent text:
                    Console.Write(begun ? text.Text : $"Answer:   {text.Text}");
                    begun = true;
                    break;
                case UsageContent round:
                    usage.Add(round.Details);
                    break;
            }
        }
    }

    long read = usage.AdditionalCounts?.GetValueOrDefault(AttentionCounts.KvBytesRead) ?? 0;
    long full = usage.AdditionalCounts?.GetValueOrDefault(AttentionCounts.KvBytesFull) ?? 0;
    Console.WriteLine(
        $"\nRead:     {usage.InputTokenCount} prompt tokens, {usage.CachedInputTokenCount} of them in the prefix cache; "
        + $"{(full == 0 ? 100 : 100.0 * read / full):N0} % of the bytes that full attention reads\n");
}
