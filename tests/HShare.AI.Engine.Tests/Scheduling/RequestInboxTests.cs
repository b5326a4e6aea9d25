using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class RequestInboxTests
{
    [Fact]
    public async Task The_owner_sleeps_until_something_happens()
    {
        RequestInbox inbox = new(new EngineOptions());
        int returns = 0;
        Thread owner = new(() =>
        {
            for (; returns < 2; returns++)
                inbox.Wait();
        });
        owner.Start();

        await EngineAssert.Until(() => owner.ThreadState.HasFlag(ThreadState.WaitSleepJoin));
        Assert.Equal(0, Volatile.Read(ref returns));
        inbox.Wake();
        await EngineAssert.Until(() => Volatile.Read(ref returns) == 1);
        inbox.Close(() => new EngineStoppedException("closed"));
        owner.Join();
        Assert.True(inbox.IsClosed);
    }

    [Fact]
    public void What_happened_while_the_owner_was_awake_is_not_lost()
    {
        RequestInbox inbox = new(new EngineOptions());
        inbox.Wake();
        inbox.Wait(); // returns at once
    }
}
