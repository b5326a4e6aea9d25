using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed unsafe class SafetensorsTests : IDisposable
{
    private readonly ModelFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_the_three_float_types()
    {
        _folder.WriteSafetensors("a.safetensors",
        [
            new TensorData("wide", "F32", [1, 2], [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)]),
            new TensorData("half", "F16", [1], BitConverter.GetBytes((Half)0.25)),
            new TensorData("brain", "BF16", [2, 1], [0x80, 0x3f, 0x00, 0xc0]),
            new TensorData("none", "F32", [0, 4], []),
        ]);

        using var file = SafetensorsFile.Open(_folder.PathOf("a.safetensors"));
        Tensor wide = file.View(file.Tensors["wide"]), half = file.View(file.Tensors["half"]), brain = file.View(file.Tensors["brain"]);

        Assert.Equal((DType.Float32, 1, 2), (wide.Type, wide.Rows, wide.Columns));
        Assert.Equal([1.5f, -2f], new ReadOnlySpan<float>((void*)wide.Address, 2).ToArray());
        Assert.Equal((DType.Float16, 1, 1), (half.Type, half.Rows, half.Columns));
        Assert.Equal((Half)0.25, *(Half*)half.Address);
        Assert.Equal((DType.BFloat16, 2, 1), (brain.Type, brain.Rows, brain.Columns));
        Assert.Equal([0x3f80, 0xc000], new ReadOnlySpan<ushort>((void*)brain.Address, 2).ToArray());
    }

    [Theory]
    [InlineData(
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}",
        "a ends at byte 8 of the data, but there are 4")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offsets\": [0, 0]}}", "last 4 bytes belong to no tensor")]
    [InlineData(
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [3], \"data_offsets\": [1, 4]}}",
        "1 bytes before the data of a belong to no tensor")]
    [InlineData(
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [3], \"data_offsets\": [0, 3]}, "
            + "\"b\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [2, 4]}}",
        "data of b overlap those of a")]
    [InlineData(
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]}, "
            + "\"b\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [2, 4]}}",
        "1 bytes before the data of b")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", "a.data_offsets span 4 bytes, but F32 [2]")]
    [InlineData(
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296, 4294967296], \"data_offsets\": [0, 4]}}",
        "a.data_offsets span 4 bytes")]
    [InlineData("{\"a\": {\"dtype\": \"F31\", \"shape\": [1], \"data_offsets\": [0, 4]}}", "a.dtype is \"F31\"")]
    [InlineData("{\"a\": {\"shape\": [1], \"data_offsets\": [0, 4]}}", "a.dtype is missing")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"data_offsets\": [0, 4]}}", "a.shape is missing")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, 4]}}", "a.shape has to be")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 0]}}", "a.data_offsets has to be")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0]}}", "a.data_offsets has to be")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 1e30]}}", "a.data_offsets has to be")]
    [InlineData("{\"a\": 3}", "a is 3; an object was expected")]
    [InlineData("{\"a\": null}", "a is null")]
    [InlineData("[]", "header is damaged")]
    [InlineData("{\"a\": ", "header is damaged")]
    [InlineData("", "header is damaged")]
    [InlineData(
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, "
            + "\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}",
        "'a'")]
    public void A_header_that_lies_is_refused(string header, string message)
    {
        _folder.WriteSafetensors("a.safetensors", header, new byte[4]);
        AssertRefused("a.safetensors", message);
    }

    [Fact]
    public void A_header_longer_than_the_file_is_refused()
    {
        _folder.WriteSafetensors("a.safetensors", "{}", [], headerLength: 3);
        AssertRefused("a.safetensors", "said to have 3 bytes, but the file has 10");

        _folder.WriteSafetensors("a.safetensors", "{}", [], headerLength: ulong.MaxValue);
        AssertRefused("a.safetensors", "said to have 18446744073709551615 bytes");
    }

    [Fact]
    public void A_truncated_file_is_refused_wherever_it_ends()
    {
        _folder.WriteSafetensors("a.safetensors", [TensorData.Counting("a", [2, 3], 1), TensorData.Counting("b", [4], 1)]);
        byte[] whole = File.ReadAllBytes(_folder.PathOf("a.safetensors"));
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(_folder.PathOf("a.safetensors"), whole[..length]);
            Assert.Throws<ModelLoadException>(() => SafetensorsFile.Open(_folder.PathOf("a.safetensors")).Dispose());
        }
    }

    [Fact]
    public void A_missing_file_is_named() => AssertRefused("b.safetensors", "missing");

    private void AssertRefused(string name, string message)
    {
        string path = _folder.PathOf(name);
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => SafetensorsFile.Open(path).Dispose());
        Assert.Equal(path, error.File);
        Assert.Contains(message, error.Message);
    }
}
