using System.Runtime.InteropServices;
using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// One token for each row of logits: <c>pick_best</c> for all rows, <c>sample_rows</c> for those with a temperature, before both
/// <c>mask_logits</c> and <c>penalize_logits</c> where rows ask for them. All that the rows carry goes to the GPU in one copy.
/// </summary>
internal sealed class SampleOperation(CudaRuntime cuda)
{
    /// <summary>Largest vocabulary: what the sums of weights have room for.</summary>
    public const int MaxVocabulary = 1 << 20;

    private const int RowThreads = 256, SampleThreads = 1024;
    private const int LeastPart = 4096; // logits of a row that are worth a block
    private const int GatheredBytes = 8192 * (sizeof(float) + sizeof(int));

    private readonly SamplingUpload _upload = new();
    private readonly DeviceScratch _uploaded = cuda.NewScratch();
    private readonly DeviceScratch _ids = cuda.NewScratch();
    private readonly DeviceScratch _partial = cuda.NewScratch();
    private readonly DeviceScratch _arrived = cuda.NewScratch();
    private CudaFunction? _pickBest;
    private CudaFunction? _sampleRows;
    private CudaFunction? _maskLogits;
    private CudaFunction? _penalizeLogits;

    /// <summary>Samples all rows.</summary>
    /// <exception cref="NotSupportedException">The vocabulary is larger than <see cref="MaxVocabulary"/>.</exception>
    /// <exception cref="ArgumentException">A token was seen that the vocabulary does not have.</exception>
    /// <inheritdoc cref="Backend.Sample"/>
    public void Run(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds)
    {
        if (rows.IsEmpty)
            return;
        if (logits.Columns > MaxVocabulary)
            throw new NotSupportedException($"Sample: a vocabulary of {logits.Columns:N0} tokens; on the GPU at most {MaxVocabulary:N0}.");

        nint uploaded = Upload(rows, logits.Columns);
        if (_upload.MaskedRows > 0)
            Mask(logits, uploaded);
        if (_upload.PenaltyCount > 0)
            Penalize(logits, uploaded);
        nint ids = PickBest(logits, rows.Length);
        if (_upload.SampledRows > 0)
            Draw(logits, uploaded, ids);
        cuda.CopyToHost(MemoryMarshal.AsBytes(tokenIds[..rows.Length]), ids);
    }

    private nint Upload(ReadOnlySpan<SamplingRow> rows, int vocabulary)
    {
        ReadOnlySpan<byte> bytes = _upload.Pack(rows, vocabulary);
        if (bytes.IsEmpty)
            return 0;
        nint uploaded = _uploaded.Reserve(bytes.Length);
        cuda.CopyToDevice(uploaded, bytes);
        return uploaded;
    }

    private void Mask(Tensor logits, nint uploaded)
    {
        _maskLogits ??= cuda.Kernels.Get("sample.cu", "mask_logits");
        int blocks = Math.Clamp((logits.Columns + LeastPart - 1) / LeastPart, 1, cuda.Properties.MultiprocessorCount);
        cuda.Launch.Start(_maskLogits)
            .Add(logits.Address).Add(logits.Columns).Add(uploaded + _upload.MaskedAt).Add(uploaded + _upload.MasksAt)
            .Run(new Grid(blocks, _upload.MaskedRows), RowThreads);
    }

    private void Penalize(Tensor logits, nint uploaded)
    {
        _penalizeLogits ??= cuda.Kernels.Get("sample.cu", "penalize_logits");
        cuda.Launch.Start(_penalizeLogits)
            .Add(logits.Address).Add(logits.Columns).Add(uploaded).Add(uploaded + _upload.PenaltiesAt).Add(_upload.PenaltyCount)
            .Run(new Grid((_upload.PenaltyCount + RowThreads - 1) / RowThreads), RowThreads);
    }

    // A row is split between blocks until all multiprocessors have two.
    private nint PickBest(Tensor logits, int rows)
    {
        _pickBest ??= cuda.Kernels.Get("sample.cu", "pick_best");
        int wanted = (2 * cuda.Properties.MultiprocessorCount + rows - 1) / rows;
        int parts = Math.Clamp(wanted, 1, Math.Max(1, logits.Columns / LeastPart));
        nint ids = _ids.Reserve((long)rows * sizeof(int));
        cuda.Launch.Start(_pickBest)
            .Add(logits.Address).Add(logits.Columns).Add(_partial.Reserve((long)rows * parts * sizeof(ulong)))
            .Add(_arrived.Reserve((long)rows * sizeof(int))).Add(ids)
            .Run(new Grid(parts, rows), RowThreads);
        return ids;
    }

    private void Draw(Tensor logits, nint uploaded, nint ids)
    {
        _sampleRows ??= cuda.Kernels.Get("sample.cu", "sample_rows");
        cuda.Launch.Start(_sampleRows)
            .Add(logits.Address).Add(logits.Columns).Add(uploaded).Add(uploaded + _upload.SampledAt).Add(ids)
            .Run(new Grid(_upload.SampledRows), SampleThreads, GatheredBytes);
    }
}
