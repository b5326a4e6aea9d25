using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>A step's contents, which lie in memory that the CPU reads, are checked before an operation follows them.</summary>
internal static unsafe class StepCheck
{
    /// <summary>The heads of a group fit the working memory of attention.</summary>
    public static void Group(string operation, AttentionShape shape)
    {
        if (shape.GroupSize > OnlineAttention.MaxRows)
            throw new ArgumentException($"{operation}: {shape.GroupSize} heads share a KV head; at most {OnlineAttention.MaxRows} can.");
    }

    /// <summary>Rows, positions, context lengths and blocks of some sequences lie inside the step and the cache.</summary>
    public static void Sequences(string operation, StepTensors step, SequenceRange sequences, KvLayer cache)
    {
        int* starts = (int*)step.RowStarts.Address, positions = (int*)step.Positions.Address;
        int* lengths = (int*)step.ContextLengths.Address;
        for (int i = sequences.First; i < sequences.End; i++)
        {
            int start = starts[i], stop = starts[i + 1], length = lengths[i];
            if (start < 0 || stop <= start || stop > step.RowCount || (i < step.DecodeCount && stop != start + 1))
                throw new ArgumentException($"{operation}: rows {start} to {stop} of sequence {i} are not in a step of {step.RowCount}.");
            if (length > (long)step.BlockTables.Columns * cache.BlockSize)
                throw new ArgumentException($"{operation}: sequence {i} has {length} tokens, more than its block table covers.");
            for (int row = start; row < stop; row++)
            {
                if (positions[row] != positions[start] + row - start || positions[row] < 0 || positions[row] >= length)
                    throw new ArgumentException($"{operation}: row {row} of sequence {i} is at position {positions[row]} of {length}.");
            }

            int* table = (int*)step.BlockTables.Slice(i, 1).Address;
            for (int block = 0; block < (length + cache.BlockSize - 1) / cache.BlockSize; block++)
            {
                if ((uint)table[block] >= (uint)cache.Values.Rows)
                    throw new ArgumentException($"{operation}: block {table[block]} of sequence {i} is not one of {cache.Values.Rows}.");
            }
        }
    }

    /// <summary>The slots and windows of the sequences that read or write lists of chosen tokens fit the step.</summary>
    public static void Selection(string operation, StepTensors step, SequenceRange sequences, SelectedTokens selected)
    {
        for (int i = sequences.First; i < sequences.End; i++)
        {
            int slot = ((int*)step.SequenceSlots.Address)[i], window = ((int*)step.WindowStarts.Address)[i];
            int context = ((int*)step.ContextLengths.Address)[i];
            if (slot < 0 || (slot + 1L) * selected.Units > selected.Indices.Rows)
                throw new ArgumentException($"{operation}: slot {slot} of sequence {i} is not among the selected tokens.");
            if (window < selected.Sinks || window >= context)
            {
                throw new ArgumentException(
                    $"{operation}: the window of sequence {i} starts at {window}, not between {selected.Sinks} sinks and its {context} tokens.");
            }
        }
    }
}
