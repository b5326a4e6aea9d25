using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_runs_once_on_a_numbered_worker(int threads)
    {
        using var pool = new WorkerPool(threads);
        Assert.Equal(threads, pool.ThreadCount);
        var random = new Random(2);
        for (int round = 0; round < 2000; round++)
        {
            var work = new Counting(random.Next(40), threads);
            pool.Run(work, work.Counts.Length);
            Assert.All(work.Counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Sleeping_workers_wake_up()
    {
        using var pool = new WorkerPool(3);
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(20);
            var work = new Counting(50, 3);
            pool.Run(work, 50);
            Assert.All(work.Counts, count => Assert.Equal(1, count));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_exception_surfaces_in_the_caller_and_the_pool_goes_on(int threads)
    {
        using var pool = new WorkerPool(threads);
        for (int item = 0; item < 20; item++)
        {
            var exception = Assert.Throws<InvalidOperationException>(() => pool.Run(new Failing(item), 20));
            Assert.Equal($"item {item}", exception.Message);
            var work = new Counting(20, threads);
            pool.Run(work, 20);
            Assert.All(work.Counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Running_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        var work = new Counting(16, 2);
        pool.Run(work, 16);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 500; round++)
            pool.Run(work, 16);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Dispose_ends_the_threads_and_may_be_repeated()
    {
        var pool = new WorkerPool(3);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool(0));
    }

    private sealed class Counting(int items, int threads) : ParallelWork
    {
        public int[] Counts { get; } = new int[items];

        public override void Execute(int item, int worker)
        {
            if ((uint)worker >= (uint)threads)
                throw new InvalidOperationException($"There is no worker {worker}.");
            Interlocked.Increment(ref Counts[item]);
        }
    }

    private sealed class Failing(int failingItem) : ParallelWork
    {
        public override void Execute(int item, int worker)
        {
            if (item == failingItem)
                throw new InvalidOperationException($"item {item}");
        }
    }
}
