using Microsoft.Extensions.Hosting;

namespace HShare.AI.Hosting;

/// <summary>
/// Loads a client's model while the host starts, so that a model that cannot be loaded ends the start with its error, and lets its
/// requests finish while the host stops.
/// </summary>
internal sealed class ModelHostedService(HShareChatClient client, TimeSpan drainLimit) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => client.Model.GetAsync(cancellationToken);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await client.DrainAsync(drainLimit).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host's own time is up: it goes on to dispose the client, which ends what is left.
        }
    }
}
