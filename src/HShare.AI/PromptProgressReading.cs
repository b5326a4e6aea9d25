using System.Runtime.CompilerServices;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI;

/// <summary>Reads a generation's tokens and, until the first one comes, tells how much of the prompt has been read.</summary>
internal static class PromptProgressReading
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc cref="Generation.ReadAllAsync"/>
    public static async IAsyncEnumerable<GeneratedToken> ReadAllAsync(
        this Generation generation, IProgress<PromptProgress> progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<GeneratedToken> tokens = generation.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (tokens.ConfigureAwait(false))
        {
            Task<bool> more = tokens.MoveNextAsync().AsTask();
            try
            {
                while (!more.IsCompleted)
                {
                    progress.Report(ProgressOf(generation));
                    await Task.WhenAny(more, Task.Delay(Interval, CancellationToken.None)).ConfigureAwait(false);
                }

                progress.Report(ProgressOf(generation));
            }
            catch
            {
                // The caller's error. An enumerator cannot be disposed while it moves, so the request ends first.
                await generation.DisposeAsync().ConfigureAwait(false);
                await ((Task)more).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw;
            }

            while (await more.ConfigureAwait(false))
            {
                yield return tokens.Current;
                more = tokens.MoveNextAsync().AsTask();
            }
        }
    }

    private static PromptProgress ProgressOf(Generation generation) =>
        new(generation.PrefilledTokens, generation.PromptTokens, generation.CachedPromptTokens);
}
