using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Tests.Cache;

public sealed class BlockPoolTests
{
    private static BlockKey Key(int i) => BlockKey.SharedRoot.Next([i]);

    [Fact]
    public void Blocks_are_taken_once_and_come_back()
    {
        BlockPool pool = new(8);
        int[] taken = [.. Enumerable.Range(0, 8).Select(_ => pool.Take())];
        Assert.Equal(8, taken.Distinct().Count());
        Assert.Equal(0, pool.FreeCount);
        Assert.Throws<InvalidOperationException>(() => pool.Take());

        foreach (int block in taken)
            pool.Release(block);
        Assert.Equal(8, pool.FreeCount);
        Assert.Equal(0, pool.CachedCount);
    }

    [Fact]
    public void A_shared_block_is_free_when_its_last_user_leaves()
    {
        BlockPool pool = new(2);
        int block = pool.Take();
        pool.Publish(block, Key(1));
        Assert.True(pool.TryFind(Key(1), out int found));
        Assert.Equal(block, found);
        pool.Share(block);

        pool.Release(block);
        Assert.Equal(1, pool.FreeCount);
        pool.Release(block);
        Assert.Equal((2, 1, 0), (pool.FreeCount, pool.CachedCount, pool.ReferencesTo(block)));

        pool.Share(block); // back from the free list
        Assert.Equal((1, 0, 1), (pool.FreeCount, pool.CachedCount, pool.ReferencesTo(block)));
    }

    [Fact]
    public void Blocks_with_a_prefix_are_taken_last_and_longest_unused_first()
    {
        BlockPool pool = new(4);
        int a = pool.Take(), b = pool.Take(), c = pool.Take(), d = pool.Take();
        pool.Publish(a, Key(1));
        pool.Publish(b, Key(2));
        pool.Publish(c, Key(3));
        foreach (int block in (int[])[c, a, d, b])
            pool.Release(block);

        Assert.Equal([d, c, a, b], [pool.Take(), pool.Take(), pool.Take(), pool.Take()]);
        Assert.False(pool.TryFind(Key(1), out _));
    }

    [Fact]
    public void The_first_block_of_a_key_stays_the_one_that_is_found()
    {
        BlockPool pool = new(2);
        int first = pool.Take(), second = pool.Take();
        pool.Publish(first, Key(1));
        pool.Publish(second, Key(1));
        pool.Release(second);
        Assert.Equal(0, pool.CachedCount);

        pool.Take();
        Assert.True(pool.TryFind(Key(1), out int found));
        Assert.Equal(first, found);
    }

    [Fact]
    public void Random_use_keeps_the_counts_right()
    {
        Random random = new(1);
        BlockPool pool = new(16);
        List<int> held = [];
        for (int i = 0; i < 3_000; i++)
        {
            int key = random.Next(40);
            if (random.Next(2) == 0 && held.Count > 0)
            {
                int at = random.Next(held.Count);
                pool.Release(held[at]);
                held.RemoveAt(at);
            }
            else if (pool.TryFind(Key(key), out int found))
            {
                pool.Share(found);
                held.Add(found);
            }
            else if (pool.FreeCount > 0)
            {
                held.Add(pool.Take());
                if (random.Next(3) > 0)
                    pool.Publish(held[^1], Key(key));
            }

            Assert.Equal(16 - held.Distinct().Count(), pool.FreeCount);
            Assert.All(held.Distinct(), block => Assert.Equal(held.Count(other => other == block), pool.ReferencesTo(block)));
        }

        held.ForEach(pool.Release);
        Assert.Equal(16, pool.FreeCount);
    }
}
