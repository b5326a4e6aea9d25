using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Sampling;

public sealed class RandomStreamTests
{
    // Known answers of Random123 for philox4x32-10.
    [Fact]
    public void Philox_gives_the_known_answers()
    {
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), RandomStream.Philox(0, 0, 0, 0, 0, 0));
        const uint Ones = uint.MaxValue;
        Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), RandomStream.Philox(Ones, Ones, Ones, Ones, Ones, Ones));
        Assert.Equal(
            (0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u),
            RandomStream.Philox(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u));
    }

    [Fact]
    public void A_draw_depends_on_seed_and_number_alone()
    {
        RandomStream stream = new(7);
        float fifth = stream.Uniform(5);
        stream.Uniform(3);
        Assert.Equal(fifth, new RandomStream(7).Uniform(5));
        Assert.NotEqual(fifth, new RandomStream(8).Uniform(5));
        Assert.NotEqual(fifth, stream.Uniform(6));
    }

    [Fact]
    public void All_64_bits_of_the_seed_count()
    {
        long[] seeds = [0, 1, 1L << 32, long.MinValue, -1, (1L << 32) + 1];
        Assert.Equal(seeds.Length, seeds.Select(seed => new RandomStream(seed).Uniform(0)).Distinct().Count());
    }

    [Fact]
    public void Fresh_streams_differ() => Assert.NotEqual(RandomStream.Fresh(), RandomStream.Fresh());

    [Fact]
    public void Draws_are_uniform()
    {
        const int Draws = 100_000, Bins = 20;
        var counts = new int[Bins];
        RandomStream stream = new(1);
        for (int i = 0; i < Draws; i++)
        {
            float draw = stream.Uniform(i);
            Assert.InRange(draw, 0, 0.99999999f);
            counts[(int)(draw * Bins)]++;
        }

        double chiSquare = counts.Sum(count => Math.Pow(count - Draws / Bins, 2) / (Draws / Bins));
        Assert.InRange(chiSquare, 5, 43.8); // 19 degrees of freedom: 0.999 and 0.001
    }
}
