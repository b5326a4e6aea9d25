using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;

namespace HShare.AI.Cuda.Tests.Driver;

public class DeviceMemoryTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Allocated_memory_is_zeroed_aligned_and_apart(bool separate)
    {
        using CudaRuntime cuda = new(Gpu.Options() with { SeparateAllocations = separate });
        int[] sizes = [0, 1, 255, 256, 257, 100_000, 9 << 20, 3, 25 << 20, 7 << 20, 7 << 20, 7 << 20, 7 << 20, 5];
        List<(nint Start, int Bytes)> pieces = [];
        foreach (int size in sizes)
        {
            nint address = cuda.Allocate(size);
            Assert.Equal(0, address % 256);
            Assert.DoesNotContain(pieces, piece => address < piece.Start + piece.Bytes && piece.Start < address + size);
            Assert.DoesNotContain(cuda.Download<byte>(address, size), value => value != 0);
            cuda.CopyToDevice(address, Enumerable.Repeat((byte)0xff, size).ToArray());
            pieces.Add((address, size));
        }
    }

    [Fact]
    public void Too_large_a_request_says_how_much_was_asked_for_and_is_free()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        long free = cuda.FreeMemory, bytes = free + (1L << 30);
        InsufficientMemoryException problem = Assert.Throws<InsufficientMemoryException>(() => cuda.Allocate(bytes));
        Assert.Contains($"{bytes:N0} bytes of GPU memory", problem.Message);
        Assert.Contains("are free", problem.Message);
        Assert.Equal(new byte[100], cuda.Download<byte>(cuda.Allocate(100), 100));
    }

    [Fact]
    public void A_request_beyond_all_numbers_is_too_large()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        Assert.Throws<InsufficientMemoryException>(() => cuda.Allocate(long.MaxValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(3_000_001)]
    [InlineData(16 << 20)]
    [InlineData(40_000_003)]
    public void A_copy_of_any_size_comes_back(int size)
    {
        using CudaRuntime cuda = Gpu.Runtime();
        byte[] values = new byte[size];
        new Random(size).NextBytes(values);
        nint first = cuda.Upload<byte>(values), second = cuda.Allocate(size + 1);
        if (size > 0)
            cuda.CopyOnDevice(second, first, size);
        Assert.Equal(values, cuda.Download<byte>(first, size));
        Assert.Equal([.. values, (byte)0], cuda.Download<byte>(second, size + 1));
    }

    [Fact]
    public void The_source_of_an_upload_may_change_at_once()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        const int Count = 60, Bytes = 60_001; // three times around the staging ring
        nint all = cuda.Allocate(Count * (long)Bytes);
        byte[] values = new byte[Bytes];
        for (int i = 0; i < Count; i++)
        {
            Array.Fill(values, (byte)(i + 1));
            cuda.CopyToDevice(all + i * Bytes, values);
        }

        byte[] back = cuda.Download<byte>(all, Count * Bytes);
        for (int i = 0; i < Count; i++)
            Assert.Equal(-1, back.AsSpan(i * Bytes, Bytes).IndexOfAnyExcept((byte)(i + 1)));
    }

    [Fact]
    public void Clearing_sets_what_it_is_given_and_no_more()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        nint memory = cuda.Upload<byte>(1, 2, 3, 4, 5);
        cuda.Clear(memory + 1, 3);
        Assert.Equal([1, 0, 0, 0, 5], cuda.Download<byte>(memory, 5));
    }

    [Fact]
    public void Scratch_is_reused_while_it_suffices_and_zeroed_when_it_grows()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        DeviceScratch scratch = cuda.NewScratch();
        nint small = scratch.Reserve(1000);
        cuda.CopyToDevice(small, Enumerable.Repeat((byte)7, 1000).ToArray());
        Assert.Equal(small, scratch.Reserve(500));
        Assert.Equal(7, cuda.Download<byte>(small, 1)[0]);
        nint large = scratch.Reserve(70 << 20);
        Assert.NotEqual(small, large);
        Assert.DoesNotContain(cuda.Download<byte>(large, 70 << 20), value => value != 0);
        Assert.Equal(7, cuda.Download<byte>(small, 1)[0]); // what still uses it finds it unharmed
        Assert.Equal(large, scratch.Reserve(1000));
    }

    [Fact]
    public void A_pinned_buffer_can_be_read_and_written()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        using PinnedBuffer buffer = new(cuda, 4096);
        buffer.AsSpan<int>().Fill(5);
        Assert.Equal(1024, buffer.AsSpan<int>().Length);
        nint copy = cuda.Allocate(4096);
        cuda.CopyToDevice(copy, buffer.Address, 4096);
        Assert.Equal(Enumerable.Repeat(5, 1024), cuda.Download<int>(copy, 1024));
    }
}
