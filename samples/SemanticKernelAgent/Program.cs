// An agent with two plugins, one of which searches a long document: SemanticKernelAgent [QUESTION]... [--attention PRESET]
using HShare.AI;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.SemanticKernel;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.Agents;
using Samples.Shared;
using SemanticKernelAgent;

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
var yearbook = new LongDocument(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "harbour-yearbook.txt")));

// The bundled model. For your own: options => options.ModelPath = "/models/Qwen3-4B", or a section of appsettings.json.
IKernelBuilder kernelBuilder = builder.Services.AddKernel().AddHShareChatCompletion(options =>
{
    options.MaxBatch = 1;
    if (attention is not null)
        options.AttentionPresets.Add(attention.ToString()); // what a request may ask for
});
kernelBuilder.Plugins.AddFromObject(new SearchPlugin(yearbook), "search");
kernelBuilder.Plugins.AddFromObject(new WeatherPlugin(), "get");
kernelBuilder.Services.AddSingleton<IAutoFunctionInvocationFilter, CallPrinter>();

using IHost host = builder.Build();
CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping; // Ctrl-C
try
{
    await host.StartAsync(); // loads the model
    var agent = new ChatCompletionAgent
    {
        Name = "Harbour",
        Instructions = "Use a tool when it helps.",
        Kernel = host.Services.GetRequiredService<Kernel>(),
        Arguments = new KernelArguments(new HSharePromptExecutionSettings
        {
            FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(),
            Attention = attention, // null = as the options say
            Temperature = 0,
            MaxTokens = 100,
        }),
    };

    foreach (string question in questions)
    {
        // A thread of its own for each question: a model this small loses its way in a long conversation.
        var thread = new ChatHistoryAgentThread();
        Console.WriteLine($"Question: {question}");
        var usage = new UsageDetails();
        bool begun = false;
        await foreach (StreamingChatMessageContent part in agent.InvokeStreamingAsync(question, thread, cancellationToken: stopping))
        {
            if (part.Metadata?.GetValueOrDefault("Usage") is UsageContent content)
                usage.Add(content.Details); // one for each round
            if (string.IsNullOrEmpty(part.Content))
                continue;

            Console.Write(begun ? part.Content : $"Answer:   {part.Content}");
            begun = true;
        }

        long read = usage.AdditionalCounts?.GetValueOrDefault(AttentionCounts.KvBytesRead) ?? 0;
        long full = usage.AdditionalCounts?.GetValueOrDefault(AttentionCounts.KvBytesFull) ?? 0;
        Console.WriteLine(
            $"\nRead:     {usage.InputTokenCount} prompt tokens, {usage.CachedInputTokenCount} of them in the prefix cache; "
            + $"{(full == 0 ? 100 : 100.0 * read / full):N0} % of the bytes that full attention reads\n");
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
