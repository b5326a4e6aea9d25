using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace HShare.Cli.Tests;

/// <summary>The sample ChatApi over HTTP, on 127.0.0.1. Its one place in the batch and one in the queue make it easy to fill.</summary>
public sealed class ChatApiTests(ChatApiTests.Server server) : IClassFixture<ChatApiTests.Server>
{
    private const string Document = "The ferry was late. The brass key is kept under the painted bench in the tower. The lamps were lit.";

    private static readonly object Question = Request(
        ("system", "Answer only from the document. If the answer is not in it, say: The document does not say.\n"
            + $"<document>\n{Document}\n</document>"),
        ("user", "Where is the brass key kept?"));

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_healthy_once_the_model_is_loaded() =>
        Assert.Equal("Healthy", await server.Http.GetStringAsync("/health", TestToken));

    [Fact]
    public async Task A_chat_is_answered_as_JSON()
    {
        JsonNode answer = await server.PostAsync("/chat", Question, HttpStatusCode.OK);
        Assert.Equal("The brass key is kept under the painted bench in the tower.", (string?)answer["text"]);
        Assert.Equal("stop", (string?)answer["finishReason"]);
        Assert.True((int?)answer["inputTokens"] > 50 && (int?)answer["outputTokens"] > 5, answer.ToJsonString());
    }

    [Fact]
    public async Task A_chat_is_streamed_as_server_sent_events()
    {
        using HttpResponseMessage response = await server.Http.PostAsJsonAsync("/chat/stream", Question, TestToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        string[] events = (await response.Content.ReadAsStringAsync(TestToken)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.True(events.Length > 5);
        Assert.All(events.SkipLast(1), text => Assert.StartsWith("event: text\ndata: \"", text, StringComparison.Ordinal));
        Assert.Equal(
            "The brass key is kept under the painted bench in the tower.",
            string.Concat(events.SkipLast(1).Select(text => (string?)JsonNode.Parse(text["event: text\ndata: ".Length..]))));
        Assert.StartsWith("event: done\ndata: {", events[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/chat")]
    [InlineData("/chat/stream")]
    public async Task Errors_have_a_status_code_and_say_what_was_wrong(string path)
    {
        object book = Request(("user", string.Concat(Enumerable.Repeat(Document, 60))));
        JsonNode tooLong = await server.PostAsync(path, book, HttpStatusCode.RequestEntityTooLarge);
        Assert.Contains("holds 1024", (string?)tooLong["detail"]);
        JsonNode wizard = await server.PostAsync(path, Request(("wizard", "Abracadabra")), HttpStatusCode.BadRequest);
        Assert.Contains("role 'wizard'", (string?)wizard["detail"]);
        JsonNode empty = await server.PostAsync(path, Request(), HttpStatusCode.BadRequest);
        Assert.Contains("There are no messages", (string?)empty["detail"]);
        JsonNode cold = await server.PostAsync(
            path, new { messages = new[] { new { role = "user", content = "Hi" } }, temperature = -1 }, HttpStatusCode.BadRequest);
        Assert.Contains("Temperature", (string?)cold["detail"]);
    }

    [Fact]
    public async Task A_full_queue_is_told_to_try_again()
    {
        object longAnswer = new
        {
            messages = new[] { new { role = "user", content = "Continue the passage that begins: \"Once upon a time\"" } }, // it never ends
            maxOutputTokens = 300,
        };
        Task<HttpResponseMessage>[] requests =
            [.. Enumerable.Range(0, 12).Select(_ => server.Http.PostAsJsonAsync("/chat", longAnswer, TestToken))];
        HttpResponseMessage[] responses = await Task.WhenAll(requests);
        HttpResponseMessage[] refused = [.. responses.Where(response => response.StatusCode == HttpStatusCode.TooManyRequests)];
        Assert.NotEmpty(refused);
        Assert.All(refused, response => Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta));
        Assert.All(responses.Except(refused), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
    }

    [Fact]
    public async Task Metrics_and_traces_go_to_the_endpoint_of_the_environment()
    {
        await server.PostAsync("/chat", Question, HttpStatusCode.OK);
        await server.Collector.WaitForAsync("/v1/traces", "hshare.request", TestToken);
        await server.Collector.WaitForAsync("/v1/traces", "hshare.time_to_first_token", TestToken);
        await server.Collector.WaitForAsync("/v1/metrics", "hshare.engine.tokens.generated", TestToken);
    }

    private static object Request(params (string Role, string Content)[] messages) =>
        new { messages = messages.Select(message => new { role = message.Role, content = message.Content }) };

    /// <summary>The sample, running.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private Process? _process;

        public HttpClient Http { get; } = new();

        internal OtlpCollector Collector { get; } = new();

        public async ValueTask InitializeAsync()
        {
            _process = Sample.Start(
                "ChatApi",
                ["--Urls", "http://127.0.0.1:0", "--HShare:MaxContext", "1024", "--HShare:KvCacheMegabytes", "16", "--HShare:MaxBatch", "1",
                    "--HShare:QueueLength", "1"],
                ("OTEL_EXPORTER_OTLP_ENDPOINT", Collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "100"));
            _process.ErrorDataReceived += static (_, _) => { };
            _process.BeginErrorReadLine();
            List<string> lines = [];
            while (await _process.StandardOutput.ReadLineAsync(TestToken) is { } line)
            {
                lines.Add(line);
                if (line.Split("Now listening on: ") is [_, var address])
                {
                    Http.BaseAddress = new Uri(address);
                    _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None); // so that it never waits for a reader
                    return;
                }
            }

            throw new InvalidOperationException($"ChatApi did not start: {string.Join('\n', lines)}");
        }

        public async Task<JsonNode> PostAsync(string path, object body, HttpStatusCode expected)
        {
            using HttpResponseMessage response = await Http.PostAsJsonAsync(path, body, TestToken);
            string text = await response.Content.ReadAsStringAsync(TestToken);
            Assert.True(expected == response.StatusCode, $"{response.StatusCode}: {text}");
            return JsonNode.Parse(text)!;
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            if (_process is not null)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
                _process.Dispose();
            }

            Collector.Dispose();
        }
    }
}
