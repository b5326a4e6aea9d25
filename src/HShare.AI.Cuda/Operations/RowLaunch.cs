namespace HShare.AI.Cuda.Operations;

/// <summary>How kernels that treat each row by itself are launched.</summary>
internal static class RowLaunch
{
    /// <summary>Elements of a row that a thread takes at once: 16 bytes of 16-bit elements.</summary>
    public const int VectorElements = 8;

    private const int Warp = 32, MostThreads = 256;

    /// <summary>Threads of a block for so many pieces of work: whole warps, at most 256.</summary>
    public static int Threads(int pieces) => Math.Clamp((pieces + Warp - 1) / Warp * Warp, Warp, MostThreads);

    /// <summary>Blocks of so many threads that each row takes, for so many pieces of work.</summary>
    public static int BlocksOfRow(int pieces) => (pieces + Threads(pieces) - 1) / Threads(pieces);

    /// <summary>Throws where rows cannot be read in whole vectors.</summary>
    /// <exception cref="ArgumentException">The columns are not a multiple of 8.</exception>
    public static void RequireVectors(string operation, string name, int columns)
    {
        if (columns % VectorElements != 0)
        {
            throw new ArgumentException(
                $"{operation}: {name} has {columns} columns; the GPU's kernels take multiples of {VectorElements}. Use the CPU backend.");
        }
    }
}
