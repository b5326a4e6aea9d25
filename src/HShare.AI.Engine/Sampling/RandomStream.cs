namespace HShare.AI.Engine.Sampling;

/// <summary>
/// A request's own random numbers, by number of the draw: Philox4x32-10 (Salmon et al. 2011) with the seed as key and the draw as
/// counter. It has no state, so neither neighbours in the batch nor a recomputation can shift the draws.
/// </summary>
/// <param name="Seed">The seed; all 64 bits count.</param>
public readonly record struct RandomStream(long Seed)
{
    /// <summary>A stream with a seed nobody has asked for.</summary>
    public static RandomStream Fresh() => new(Random.Shared.NextInt64(long.MinValue, long.MaxValue));

    /// <summary>A number in [0, 1).</summary>
    /// <param name="draw">Which draw of the stream, from 0.</param>
    public float Uniform(long draw)
    {
        uint word = Philox((uint)draw, (uint)(draw >> 32), 0, 0, (uint)Seed, (uint)(Seed >> 32)).X;
        return (word >> 8) * (1f / (1 << 24)); // the 24 bits a float holds exactly: 1 never comes out
    }

    /// <summary>Ten rounds of Philox4x32.</summary>
    internal static (uint X, uint Y, uint Z, uint W) Philox(uint x, uint y, uint z, uint w, uint key0, uint key1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong left = (ulong)x * 0xD2511F53;
            ulong right = (ulong)z * 0xCD9E8D57;
            (x, y, z, w) = ((uint)(right >> 32) ^ y ^ key0, (uint)right, (uint)(left >> 32) ^ w ^ key1, (uint)left);
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }

        return (x, y, z, w);
    }
}
