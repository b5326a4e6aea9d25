using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace HShare.Cli.Tests;

/// <summary>Takes what is exported over OTLP (http/protobuf) on 127.0.0.1. Names and keys stand in the messages as plain text.</summary>
internal sealed class OtlpCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<(string Path, string Body)> _received = new();

    public OtlpCollector()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        }

        _listener.Prefixes.Add(Address);
        _listener.Start();
        _ = Task.Run(ReceiveAsync);
    }

    /// <summary>Its endpoint.</summary>
    public string Address { get; }

    /// <summary>Waits until something with a text in it has been sent to a path.</summary>
    public async Task WaitForAsync(string path, string text, CancellationToken cancellationToken)
    {
        for (int i = 0; i < 300; i++)
        {
            if (_received.Any(message => message.Path == path && message.Body.Contains(text, StringComparison.Ordinal)))
                return;
            await Task.Delay(50, cancellationToken);
        }

        string paths = string.Join(", ", _received.Select(message => message.Path).Distinct());
        Assert.Fail($"No '{text}' came to {path}; {_received.Count} messages did, to {paths}.");
    }

    public void Dispose() => _listener.Close();

    private async Task ReceiveAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return; // closed
            }

            using var reader = new StreamReader(context.Request.InputStream, Encoding.Latin1);
            _received.Enqueue((context.Request.Url!.AbsolutePath, await reader.ReadToEndAsync()));
            context.Response.Close();
        }
    }
}
