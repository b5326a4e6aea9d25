using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>A client of a scripted model, with its scripts.</summary>
public sealed class ScriptedClient : IAsyncLifetime
{
    private readonly ScriptedModelFolder _folder = new(
        ("", ["Every", " harbour", " keeps", " two", " books."]),
        ("#answer", ["The water", " is", " high", " at", " Varn."]),
        ("#now", ["<tool_call>\n{\"name\": \"now\"", ", \"arguments\": {}}\n</tool_call>"]),
        ("#two", ["I look", " it", " up.", "\n<tool_call>\n{\"name\": \"tide\", \"arguments\": {\"port\":", " \"Varn\"}}\n</tool_call>",
            "\n<tool_call>\n{\"name\": \"tide\", \"arguments\"", ": {\"port\": \"Orr\"}}", "\n</tool_call>"]),
        ("#book", ["<tool_call>\n{\"name\": \"book\", \"arguments\": {\"berth\": {\"quay\":", " \"north\", \"number\": 7}, \"boats\":",
            " [\"Jolly\", \"Kettle\"]", "}}\n</tool_call>\n"]));

    private HShareChatClient? _client;

    public HShareChatClient Client => _client ?? throw new InvalidOperationException("The fixture is not ready.");

    public async ValueTask InitializeAsync() => _client = await HShareChatClient.CreateAsync(
        new HShareOptions
        {
            ModelPath = _folder.Path,
            Backend = HShareBackend.Cpu,
            KvCacheMegabytes = 8,
            MaxContext = 2048,
            Threads = 1,
        });

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
            await _client.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A message that chooses a script.</summary>
    internal static ChatMessage Say(string script) => new(ChatRole.User, $"What is there to say? {script}".TrimEnd());
}
