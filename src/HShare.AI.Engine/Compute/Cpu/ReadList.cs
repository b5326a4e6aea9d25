namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Which tokens of a sequence one query reads, in ascending order: sinks, chosen tokens and window, or simply a range. Places in the list
/// are what
/// attention calls keys by, so that reading a part of the context is the same code as reading all of it.
/// </summary>
internal readonly unsafe struct ReadList
{
    private readonly int* _chosen;
    private readonly int _sinkStart;
    private readonly int _windowStart;

    /// <summary>All tokens up to a position: a token's place is its position.</summary>
    public ReadList(int count)
    {
        _chosen = null;
        SinkCount = 0;
        ChosenCount = 0;
        Count = count;
    }

    /// <summary>The list of one KV head.</summary>
    /// <param name="selected">What its leader has chosen.</param>
    /// <param name="row">The leader's row.</param>
    /// <param name="windowStart">First token of the window.</param>
    /// <param name="context">Tokens of the context.</param>
    /// <param name="firstVisible">First token that the layer's sliding window shows.</param>
    public ReadList(SelectedTokens selected, int row, int windowStart, int context, int firstVisible)
    {
        ReadOnlySpan<int> chosen = new((int*)selected.Indices.Slice(row, 1).Address, selected.Indices.Columns);
        int end = chosen.IndexOf(-1);
        int count = end < 0 ? chosen.Length : end;
        int skipped = 0;
        while (skipped < count && chosen[skipped] < firstVisible)
            skipped++;

        _chosen = (int*)selected.Indices.Slice(row, 1).Address + skipped;
        _sinkStart = Math.Min(firstVisible, selected.Sinks);
        _windowStart = Math.Max(windowStart, firstVisible);
        SinkCount = selected.Sinks - _sinkStart;
        ChosenCount = count - skipped;
        Count = SinkCount + ChosenCount + context - _windowStart;
    }

    /// <summary>Tokens in the list.</summary>
    public int Count { get; }

    /// <summary>Sinks, at the front.</summary>
    public int SinkCount { get; }

    /// <summary>Chosen tokens behind them.</summary>
    public int ChosenCount { get; }

    /// <summary>Whether it is a range, in which a token's place is its position.</summary>
    public bool IsRange => _chosen is null;

    /// <summary>The position of the token at a place.</summary>
    public int this[int place]
    {
        get
        {
            if (_chosen is null)
                return place;
            if (place < SinkCount)
                return _sinkStart + place;
            place -= SinkCount;
            return place < ChosenCount ? _chosen[place] : _windowStart + place - ChosenCount;
        }
    }

    /// <summary>Successive tokens from a place of the list on.</summary>
    /// <param name="place">The place.</param>
    /// <param name="most">How many are asked for at most; the list has them.</param>
    /// <param name="token">The first one's position.</param>
    /// <returns>How many there are.</returns>
    public int RunAt(int place, int most, out int token)
    {
        token = this[place];
        if (_chosen is null)
            return most;
        if (place < SinkCount)
            return Math.Min(most, SinkCount - place);

        place -= SinkCount;
        if (place >= ChosenCount)
            return most;

        most = Math.Min(most, ChosenCount - place);
        int run = 1;
        while (run < most && _chosen[place + run] == token + run)
            run++;
        return run;
    }

    /// <summary>First place whose token is not before a position.</summary>
    public int PlaceOf(int position)
    {
        if (IsRange)
            return Math.Min(position, Count);

        int low = 0, high = Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (this[middle] < position)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
