// Asks a question about a long document: AskDocument [QUESTION] [--document FILE]
using System.Diagnostics;
using HShare.AI;
using HShare.AI.Engine;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

int flag = Array.IndexOf(args, "--document");
string file = flag >= 0 && flag + 1 < args.Length ? args[flag + 1] : Path.Combine(AppContext.BaseDirectory, "harbour-yearbook.txt");
string question = args.Where((_, i) => flag < 0 || (i != flag && i != flag + 1)).FirstOrDefault("Where is the brass key kept?");
if (!File.Exists(file))
{
    Console.Error.WriteLine($"There is no document {file}. Usage: AskDocument [QUESTION] [--document FILE]");
    return 2;
}

HostApplicationBuilder builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning); // Information also tells how the model loads and what it runs on

// The bundled model. For your own: options => options.ModelPath = "/models/Qwen3-0.6B", or a section of appsettings.json.
builder.Services.AddHShareChatClient(options => options.MaxBatch = 1);
using IHost host = builder.Build();
CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping; // Ctrl-C
try
{
    await host.StartAsync(); // loads the model
    var client = host.Services.GetRequiredService<IChatClient>();

    // The document goes first and the question last: a second question then finds the document already read, in the prefix cache.
    const string Instruction = "Answer only from the document. If the answer is not in it, say: The document does not say.";
    ChatMessage[] messages =
    [
        new(ChatRole.System, $"{Instruction}\n<document>\n{(await File.ReadAllTextAsync(file)).Trim()}\n</document>"),
        new(ChatRole.User, question),
    ];
    var progress = new ReadingProgress();
    var options = new ChatOptions
    {
        Temperature = 0,
        RawRepresentationFactory = _ => new GenerationOptions { PromptProgress = progress },
    };

    Console.WriteLine($"Question: {question}");
    var clock = Stopwatch.StartNew();
    TimeSpan? firstToken = null;
    var usage = new UsageDetails();
    await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, stopping))
    {
        if (firstToken is null)
        {
            firstToken = clock.Elapsed;
            progress.Clear();
            Console.Write("Answer:   ");
        }

        Console.Write(update.Text);
        foreach (UsageContent content in update.Contents.OfType<UsageContent>())
            usage.Add(content.Details);
    }

    double decoding = (clock.Elapsed - firstToken.GetValueOrDefault()).TotalSeconds;
    Console.WriteLine($"""


        prompt tokens         {usage.InputTokenCount,8}
        cached tokens         {usage.CachedInputTokenCount,8}
        time to first token   {firstToken.GetValueOrDefault().TotalSeconds,8:N2} s
        tokens/s              {(usage.OutputTokenCount - 1) / decoding,8:N1}
        """);
    await host.StopAsync();
    return 0;
}
catch (OperationCanceledException)
{
    return 130;
}
catch (HShareException error)
{
    Console.Error.WriteLine(error.Message); // says what was wrong and what to do
    return 1;
}

/// <summary>Shows how much of the prompt has been read, on a line that the answer then takes.</summary>
internal sealed class ReadingProgress : IProgress<PromptProgress>
{
    private readonly bool _isVisible = !Console.IsErrorRedirected;

    public void Report(PromptProgress value)
    {
        if (_isVisible)
            Console.Error.Write($"\rReading:  {value.TokensRead:N0} of {value.TotalTokens:N0} tokens");
    }

    public void Clear()
    {
        if (_isVisible)
            Console.Error.Write($"\r{"",-60}\r");
    }
}
