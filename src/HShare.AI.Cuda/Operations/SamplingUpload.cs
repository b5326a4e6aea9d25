using System.Runtime.InteropServices;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// What the rows of a step are sampled with, packed for one copy to the GPU: parameters of every row, the rows that have a temperature,
/// then masks and penalties. The memory is kept, so that packing does not allocate.
/// </summary>
internal sealed class SamplingUpload
{
    private int[] _words = [];
    private int _count;
    private int _maskedAt;
    private int _masksAt;
    private int _sampledAt;
    private int _penaltiesAt;

    /// <summary>Rows with a temperature; their numbers lie at <see cref="SampledAt"/>.</summary>
    public int SampledRows { get; private set; }

    /// <summary>Rows of which not every token is allowed: row, place of its words at <see cref="MasksAt"/>, and their number.</summary>
    public int MaskedRows { get; private set; }

    /// <summary>Tokens that are penalised: row, token, how often it was seen; at <see cref="PenaltiesAt"/>.</summary>
    public int PenaltyCount { get; private set; }

    /// <summary>Offset in bytes.</summary>
    public int SampledAt => _sampledAt * sizeof(int);

    /// <summary>Offset in bytes.</summary>
    public int MaskedAt => _maskedAt * sizeof(int);

    /// <summary>Offset in bytes.</summary>
    public int MasksAt => _masksAt * sizeof(int);

    /// <summary>Offset in bytes.</summary>
    public int PenaltiesAt => _penaltiesAt * sizeof(int);

    /// <summary>Packs some rows; nothing where all are greedy, unmasked and without penalties.</summary>
    /// <returns>Valid until the next call; the parameters of the rows lie first.</returns>
    /// <exception cref="ArgumentException">A token was seen that the vocabulary does not have.</exception>
    public ReadOnlySpan<byte> Pack(ReadOnlySpan<SamplingRow> rows, int vocabulary)
    {
        _count = 0;
        SampledRows = MaskedRows = PenaltyCount = 0;
        foreach (ref readonly SamplingRow row in rows)
        {
            SampledRows += row.Parameters.Temperature != 0 ? 1 : 0;
            MaskedRows += row.Allowed is not null ? 1 : 0;
            PenaltyCount += Penalises(row) ? 1 : 0;
        }

        if (SampledRows + MaskedRows + PenaltyCount == 0)
            return [];

        AddParameters(rows);
        AddSampled(rows);
        AddMasks(rows);
        AddPenalties(rows, vocabulary);
        return MemoryMarshal.AsBytes(_words.AsSpan(0, _count));
    }

    private static bool Penalises(in SamplingRow row) => row.Seen is not null && row.Parameters.HasPenalty;

    private void AddParameters(ReadOnlySpan<SamplingRow> rows)
    {
        int words = Marshal.SizeOf<RowParameters>() / sizeof(int);
        Span<RowParameters> to = MemoryMarshal.Cast<int, RowParameters>(Extend(rows.Length * words));
        for (int i = 0; i < rows.Length; i++)
            to[i] = new RowParameters(rows[i]);
    }

    private void AddSampled(ReadOnlySpan<SamplingRow> rows)
    {
        _sampledAt = _count;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i].Parameters.Temperature != 0)
                Extend(1)[0] = i;
        }
    }

    private void AddMasks(ReadOnlySpan<SamplingRow> rows)
    {
        _maskedAt = _count;
        int words = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i].Allowed is not { } allowed)
                continue;

            Span<int> entry = Extend(3);
            (entry[0], entry[1], entry[2]) = (i, words, allowed.Length);
            words += allowed.Length;
        }

        _masksAt = _count;
        foreach (ref readonly SamplingRow row in rows)
        {
            if (row.Allowed is { } allowed)
                MemoryMarshal.Cast<uint, int>(allowed).CopyTo(Extend(allowed.Length));
        }
    }

    private void AddPenalties(ReadOnlySpan<SamplingRow> rows, int vocabulary)
    {
        _penaltiesAt = _count;
        PenaltyCount = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            if (!Penalises(rows[i]))
                continue;

            foreach ((int id, int count) in rows[i].Seen!)
            {
                if ((uint)id >= (uint)vocabulary)
                    throw new ArgumentException($"Sample: row {i} has seen token {id}, but the logits are of {vocabulary} tokens.");
                Span<int> entry = Extend(3);
                (entry[0], entry[1], entry[2]) = (i, id, count);
                PenaltyCount++;
            }
        }
    }

    private Span<int> Extend(int words)
    {
        if (_count + words > _words.Length)
            Array.Resize(ref _words, Math.Max(_count + words, Math.Max(1024, 2 * _words.Length)));
        _count += words;
        return _words.AsSpan(_count - words, words);
    }

    // The kernels' struct RowParameters.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct RowParameters(in SamplingRow row)
    {
        private readonly float _temperature = row.Parameters.Temperature;
        private readonly float _topP = row.Parameters.TopP;
        private readonly float _minP = row.Parameters.MinP;
        private readonly float _uniform = row.Uniform;
        private readonly int _topK = row.Parameters.TopK;
        private readonly float _repetition = row.Parameters.RepetitionPenalty;
        private readonly float _presence = row.Parameters.PresencePenalty;
        private readonly float _frequency = row.Parameters.FrequencyPenalty;
    }
}
