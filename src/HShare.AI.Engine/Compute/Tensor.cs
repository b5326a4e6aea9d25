namespace HShare.AI.Engine.Compute;

/// <summary>
/// A row-major matrix in some backend's memory (or in a mapped weights file, where a loader hands it to a backend).
/// It is a view: whoever allocated the memory owns it, and a copy of this value is free.
/// </summary>
/// <param name="Address">Address of the first element, meaningful to the backend that allocated it.</param>
/// <param name="Type">Element type.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Columns">Number of elements in a row; rows lie directly behind each other.</param>
public readonly record struct Tensor(nint Address, DType Type, int Rows, int Columns)
{
    /// <summary>No tensor: an optional operand left out.</summary>
    public static Tensor None => default;

    /// <summary>Whether this is <see cref="None"/>.</summary>
    public bool IsNone => Address == 0;

    /// <summary>Bytes of one row.</summary>
    public long RowBytes => (long)Columns * Type.ByteSize();

    /// <summary>Bytes of the whole matrix.</summary>
    public long ByteCount => Rows * RowBytes;

    /// <summary>The first <paramref name="count"/> rows of this matrix.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has fewer rows.</exception>
    public Tensor Take(int count) => Slice(0, count);

    /// <summary>
    /// Rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> of this matrix, over the same memory.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the matrix.</exception>
    public Tensor Slice(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)first + count, Rows, nameof(count));
        return this with { Address = Address + (nint)(first * RowBytes), Rows = count };
    }
}
