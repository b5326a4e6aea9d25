namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>hidden[r] = embedding[tokenIds[r]].</summary>
internal sealed unsafe class EmbedOperation(WorkerPool pool) : RowOperation(pool)
{
    private Tensor _tokenIds;
    private Tensor _embedding;
    private Tensor _hidden;

    /// <summary>Runs the lookup.</summary>
    public void Run(Tensor tokenIds, Tensor embedding, Tensor hidden)
    {
        _tokenIds = tokenIds;
        _embedding = embedding;
        _hidden = hidden;
        RunRows(hidden.Rows, hidden.Columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int token = ((int*)_tokenIds.Address)[row];
        if ((uint)token >= (uint)_embedding.Rows)
            throw new ArgumentException($"Embed: token id {token} of row {row} is not in the vocabulary of {_embedding.Rows}.");
        byte* from = (byte*)_embedding.Address + token * _embedding.RowBytes;
        float* to = (float*)_hidden.Address + (nint)row * _hidden.Columns;
        ElementConversion.Widen(from, _embedding.Type, to, _hidden.Columns);
    }
}
