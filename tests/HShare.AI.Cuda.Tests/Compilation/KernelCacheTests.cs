using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Tests.Testing;

namespace HShare.AI.Cuda.Tests.Compilation;

public class KernelCacheTests
{
    private static readonly byte[] Image = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];

    [Fact]
    public void What_was_written_is_read_by_another_process()
    {
        using TemporaryFolder folder = new();
        string path = folder["not/there/yet"];
        Assert.Null(new KernelCache(path).Read("a"));
        new KernelCache(path).Write("a", Image);
        new KernelCache(path).Write("a", Image);
        Assert.Equal(Image, new KernelCache(path).Read("a"));
        Assert.Null(new KernelCache(path).Read("b"));
        Assert.Single(Directory.GetFiles(path));
    }

    [Fact]
    public void No_name_of_a_folder_is_the_usual_one() =>
        Assert.Equal(new KernelCache(null).Folder, new KernelCache("").Folder);

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(100)]
    [InlineData(340)]
    public void A_file_with_a_changed_byte_is_deleted(int place)
    {
        using TemporaryFolder folder = new();
        KernelCache cache = new(folder.Path);
        cache.Write("a", Image);
        string file = Assert.Single(Directory.GetFiles(folder.Path));
        byte[] content = File.ReadAllBytes(file);
        content[place] ^= 1;
        File.WriteAllBytes(file, content);
        Assert.Null(cache.Read("a"));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(200)]
    public void A_file_cut_short_is_deleted(int length)
    {
        using TemporaryFolder folder = new();
        KernelCache cache = new(folder.Path);
        cache.Write("a", Image);
        string file = Assert.Single(Directory.GetFiles(folder.Path));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..length]);
        Assert.Null(cache.Read("a"));
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_as_good_as_an_empty_one()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["file"], "");
        KernelCache cache = new(folder["file/kernels"]);
        cache.Write("a", Image);
        Assert.Null(cache.Read("a"));
    }
}
