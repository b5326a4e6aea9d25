// Asks questions about a folder of documents:
// LongDocumentRag [--documents DIR] [--question TEXT]... [--top K] [--model DIR] [--attention PRESET]
using System.Diagnostics;
using HShare.AI;
using HShare.AI.Engine;
using LongDocumentRag;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

Arguments arguments;
try
{
    arguments = Arguments.Parse(args);
}
catch (ArgumentException error)
{
    Console.Error.WriteLine($"{error.Message} {Arguments.Usage}");
    return 2;
}

HostApplicationBuilder builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddHShareChatClient(options =>
{
    options.ModelPath = arguments.Model; // null = the bundled model
    options.MaxBatch = 1;
    options.Attention = arguments.Attention; // null = what the model's calibration recommends, else full attention
});
using IHost host = builder.Build();
CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping; // Ctrl-C
try
{
    using PassageIndex index = PassageIndex.Open(arguments.Documents);
    Console.WriteLine($"Index:    {PassageIndex.FileName}, documents: {index.DocumentCount}, passages: {index.PassageCount}");
    await host.StartAsync(); // loads the model

    var client = host.Services.GetRequiredService<HShareChatClient>();
    var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 300 };
    var prompt = new GrowingPrompt(client, options);
    foreach (string question in arguments.Questions)
    {
        IReadOnlyList<Passage> best = index.Search(question, arguments.Top);
        ChatMessage[] messages = await prompt.AskAsync(question, best, stopping);
        Console.WriteLine($"\nQuestion: {question}");
        await AnswerAsync(client, messages, options, stopping);
        IEnumerable<string> places = best.Select(passage => $"{passage.Document}, lines {passage.FirstLine} to {passage.LastLine}");
        Console.WriteLine($"Sources:  {string.Join("\n          ", places)}");
    }

    await host.StopAsync();
    return 0;
}
catch (OperationCanceledException)
{
    return 130;
}
catch (SqliteException error)
{
    Console.Error.WriteLine($"The index {Path.Combine(arguments.Documents, PassageIndex.FileName)} cannot be used: {error.Message}");
    return 1;
}
catch (HShareException error)
{
    Console.Error.WriteLine(error.Message); // says what was wrong and what to do
    return 1;
}

static async Task AnswerAsync(IChatClient client, ChatMessage[] messages, ChatOptions options, CancellationToken cancellationToken)
{
    var clock = Stopwatch.StartNew();
    TimeSpan? firstToken = null;
    var usage = new UsageDetails();
    Console.Write("Answer:   ");
    await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, cancellationToken))
    {
        firstToken ??= clock.Elapsed;
        Console.Write(update.Text);
        foreach (UsageContent content in update.Contents.OfType<UsageContent>())
            usage.Add(content.Details);
    }

    Console.WriteLine(
        $"\nRead:     {usage.InputTokenCount:N0} prompt tokens, {usage.CachedInputTokenCount:N0} of them in the prefix cache; "
        + $"time to first token {firstToken.GetValueOrDefault().TotalSeconds:N2} s");
    if (usage.AdditionalCounts is { } counts) // an answer of a single token read nothing again
        Console.WriteLine($"KV cache: {(double)counts[AttentionCounts.KvBytesRead] / counts[AttentionCounts.KvBytesFull]:P1} of it read");
}
