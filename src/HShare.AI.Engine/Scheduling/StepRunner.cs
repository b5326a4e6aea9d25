using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// Computes planned steps: puts their rows into tensors, runs the model, draws the next tokens. Everything is allocated once.
/// </summary>
internal sealed class StepRunner
{
    private readonly Backend _backend;
    private readonly Transformer _transformer;
    private readonly KvCache _cache;
    private readonly StepTensors _tensors;
    private readonly Tensor _logits;             // float32 [max_batch, vocabulary]
    private readonly int[] _tokenIds;            // [max_rows]
    private readonly int[] _positions;           // [max_rows]
    private readonly int[] _slots;               // [max_rows]
    private readonly int[] _rowStarts;           // [max_batch + 1]
    private readonly int[] _contextLengths;      // [max_batch]
    private readonly int[] _logitRows;           // [max_batch]
    private readonly SamplingRow[] _draws;       // [max_batch]
    private readonly int[] _drawn;               // [max_batch]
    private readonly SampledToken[] _sampled;    // [max_batch]
    private readonly float[]?[] _rawLogits;      // [max_batch][vocabulary], made for the first request that wants log-probabilities

    /// <summary>Allocates the cache, the forward pass and the tensors of the largest step.</summary>
    /// <exception cref="InsufficientMemoryException">The backend has no room for them.</exception>
    public StepRunner(LanguageModel model, EngineSizing sizing)
    {
        int rows = sizing.Options.MaxStepRows, batch = sizing.Options.MaxBatch;
        _backend = model.Backend;
        _transformer = model.CreateTransformer(sizing.MaxTokens, rows);
        _cache = new KvCache(_backend, sizing.Cache);
        _tensors = new StepTensors(_backend, rows, batch, sizing.MaxBlocksPerSequence);
        _logits = _backend.Allocate(DType.Float32, batch, model.Config.VocabularySize);
        _tokenIds = new int[rows];
        _positions = new int[rows];
        _slots = new int[rows];
        _rowStarts = new int[batch + 1];
        _contextLengths = new int[batch];
        _logitRows = new int[batch];
        _draws = new SamplingRow[batch];
        _drawn = new int[batch];
        _sampled = new SampledToken[batch];
        _rawLogits = new float[]?[batch];
    }

    /// <summary>Computes a step and returns the next token of each sequence whose last known token was in it.</summary>
    public ReadOnlySpan<SampledToken> Run(ScheduledStep step)
    {
        Fill(step);
        Send(step);
        _transformer.Forward(_tensors, _cache, _logits);
        return _tensors.LogitCount == 0 ? [] : Sample(step);
    }

    private void Fill(ScheduledStep step)
    {
        int row = 0, logits = 0;
        for (int i = 0; i < step.Count; i++)
        {
            (Sequence sequence, int rows) = step.Sequences[i];
            _rowStarts[i] = row;
            sequence.Tokens.Slice(sequence.Computed, rows).CopyTo(_tokenIds.AsSpan(row));
            for (int position = sequence.Computed; position < sequence.Computed + rows; position++, row++)
            {
                _positions[row] = position;
                _slots[row] = sequence.Table.SlotOf(position);
            }

            _contextLengths[i] = sequence.Computed + rows;
            if (step.Sequences[i].WantsLogits)
                _logitRows[logits++] = row - 1;
        }

        _rowStarts[step.Count] = row;
        _tensors.RowCount = row;
        _tensors.SequenceCount = step.Count;
        _tensors.DecodeCount = step.DecodeCount;
        _tensors.LogitCount = logits;
    }

    private void Send(ScheduledStep step)
    {
        _backend.Write<int>(_tensors.TokenIds, _tokenIds.AsSpan(0, step.RowCount));
        _backend.Write<int>(_tensors.Positions, _positions.AsSpan(0, step.RowCount));
        _backend.Write<int>(_tensors.Slots, _slots.AsSpan(0, step.RowCount));
        _backend.Write<int>(_tensors.RowStarts, _rowStarts.AsSpan(0, step.Count + 1));
        _backend.Write<int>(_tensors.ContextLengths, _contextLengths.AsSpan(0, step.Count));
        _backend.Write<int>(_tensors.LogitRows, _logitRows.AsSpan(0, _tensors.LogitCount));
        for (int i = 0; i < step.Count; i++)
            _backend.Write(_tensors.BlockTables.Slice(i, 1), step.Sequences[i].Sequence.Table.Blocks);
    }

    private ReadOnlySpan<SampledToken> Sample(ScheduledStep step)
    {
        int count = 0;
        foreach (ScheduledRows rows in step.Sequences)
        {
            if (!rows.WantsLogits)
                continue;

            if (rows.Sequence.TopLogprobs is not null) // sampling overwrites the logits
                _backend.Read<float>(_logits.Slice(count, 1), _rawLogits[count] ??= new float[_logits.Columns]);
            _draws[count] = rows.Sequence.NextDraw;
            _sampled[count++] = new SampledToken(rows.Sequence, 0, null);
        }

        _backend.Sample(_logits.Take(count), _draws.AsSpan(0, count), _drawn.AsSpan(0, count));
        for (int i = 0; i < count; i++)
        {
            Sequence sequence = _sampled[i].Sequence;
            TokenLogprobs? logprobs = sequence.TopLogprobs is { } top && _drawn[i] != Sampler.NoToken
                ? LogProbabilities.Of(_rawLogits[i], _drawn[i], top)
                : null;
            _sampled[i] = new SampledToken(sequence, _drawn[i], logprobs);
        }

        return _sampled.AsSpan(0, count);
    }
}

/// <summary>A sequence's next token.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Id">The token drawn, or <see cref="Sampler.NoToken"/>.</param>
/// <param name="Logprobs">Log-probabilities, where they were asked for.</param>
internal readonly record struct SampledToken(Sequence Sequence, int Id, TokenLogprobs? Logprobs);
