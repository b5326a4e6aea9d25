using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Tests.Cache;

public sealed class BlockKeyTests
{
    private static readonly int[] Tokens = [.. Enumerable.Range(0, 16)];

    [Fact]
    public void A_key_covers_tokens_and_everything_before_them()
    {
        BlockKey key = BlockKey.SharedRoot.Next(Tokens);
        Assert.Equal(key, BlockKey.SharedRoot.Next(Tokens));
        Assert.NotEqual(key, BlockKey.SharedRoot.Next([.. Tokens[1..], 16]));
        Assert.NotEqual(key.Next(Tokens), key);
        Assert.NotEqual(key.Next(Tokens), BlockKey.SharedRoot.Next([.. Tokens[1..], 16]).Next(Tokens));
    }

    [Fact]
    public void Cache_keys_start_chains_of_their_own()
    {
        BlockKey[] roots = [BlockKey.SharedRoot, BlockKey.RootOf(""), BlockKey.RootOf("a"), BlockKey.RootOf("b"), BlockKey.RootOf("ab")];
        Assert.Equal(roots.Length, roots.Select(root => root.Next(Tokens)).Distinct().Count());
        Assert.Equal(BlockKey.RootOf("a"), BlockKey.RootOf("a"));
        Assert.NotEqual(BlockKey.RootOf("\uD800"), BlockKey.RootOf("\uD801")); // no characters, but two keys
    }

    [Fact]
    public void Long_blocks_and_cache_keys_are_hashed_too()
    {
        Assert.NotEqual(BlockKey.RootOf(new string('x', 10_000)), BlockKey.RootOf(new string('x', 10_001)));
        Assert.NotEqual(BlockKey.SharedRoot.Next(new int[1024]), BlockKey.SharedRoot.Next([.. new int[1023], 1]));
    }
}
