using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// Decides what each step computes: requests in, steps out. Every decoding sequence gets its row first, so that streaming goes on beside
/// a long prompt; what is left of the step goes to prefill chunks. First come, first served; when cache blocks run out, the youngest
/// sequence gives its own back and is computed again later. Touches block numbers only, never a tensor.
/// </summary>
internal sealed class Scheduler
{
    private readonly BlockPool _pool;
    private readonly BlockPool? _proximalPool;
    private readonly KeySharing? _keySharing;
    private readonly Stack<int> _freeSlots;
    private readonly ScheduledStep _step;
    private readonly List<Sequence> _waiting = []; // oldest first, and all of them younger than
    private readonly List<Sequence> _running = []; // those that run, oldest first
    private readonly int _maxBatch;
    private readonly int _maxStepRows;

    /// <summary>A scheduler with nothing to do.</summary>
    /// <param name="pool">Holds at least one full context.</param>
    /// <param name="options">The engine's options.</param>
    /// <param name="proximalPool">Blocks of proximal keys, where some heads keep no others (PoD); it never runs out.</param>
    /// <param name="keySharing">Which heads these are.</param>
    public Scheduler(BlockPool pool, EngineOptions options, BlockPool? proximalPool = null, KeySharing? keySharing = null)
    {
        _pool = pool;
        _proximalPool = proximalPool;
        _keySharing = keySharing;
        _freeSlots = new Stack<int>(Enumerable.Range(0, options.MaxBatch).Reverse());
        _step = new ScheduledStep(options.MaxBatch);
        _maxBatch = options.MaxBatch;
        _maxStepRows = options.MaxStepRows;
    }

    /// <summary>Sequences in the batch, oldest first.</summary>
    public ReadOnlySpan<Sequence> Running => CollectionsMarshal.AsSpan(_running);

    /// <summary>Sequences that wait for a place in the batch, oldest first.</summary>
    public ReadOnlySpan<Sequence> Waiting => CollectionsMarshal.AsSpan(_waiting);

    /// <summary>Tokens taken from the prefix cache so far.</summary>
    public long CachedTokens { get; private set; }

    /// <summary>How often a sequence lost its blocks.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Queues a sequence.</summary>
    public void Add(Sequence sequence)
    {
        if (_proximalPool is not null)
            sequence.Proximal = new ProximalBlocks(_proximalPool, _keySharing!, sequence.Table.BlockSize);
        _waiting.Add(sequence);
    }

    /// <summary>Drops a sequence that has ended; its blocks go back to the pool.</summary>
    public void Remove(Sequence sequence)
    {
        if (_running.Remove(sequence))
            _freeSlots.Push(sequence.Slot);
        else
            _waiting.Remove(sequence);
        sequence.Release(_pool);
    }

    /// <summary>
    /// Plans the next step, of at least one row. Call only while a sequence runs or waits; it is the same object each time.
    /// </summary>
    public ScheduledStep Plan()
    {
        _step.Clear();
        while (true)
        {
            PlanDecodes();
            Admit();
            PlanPrefills();
            if (_step.RowCount > 0)
            {
                _step.GroupByAttention();
                return _step;
            }

            Preempt(_running[^1]); // half-read prompts hold every block, and none can go on
        }
    }

    /// <summary>Notes that a planned step has been computed.</summary>
    public void Complete(ScheduledStep step)
    {
        foreach ((Sequence sequence, int rows) in step.Sequences)
            sequence.Advance(rows, _pool);
    }

    private void PlanDecodes()
    {
        for (int i = 0; i < _running.Count; i++)
        {
            Sequence sequence = _running[i];
            if (sequence.IsDecoding && MakeRoom(sequence))
                _step.AddDecode(sequence);
        }
    }

    /// <summary>Gives a sequence room for one more token, at the cost of younger ones; false if it was itself the youngest.</summary>
    private bool MakeRoom(Sequence sequence)
    {
        int tokens = sequence.Computed + 1;
        while (sequence.Table.Missing(tokens) > _pool.FreeCount)
        {
            Sequence youngest = _running[^1];
            Preempt(youngest);
            if (youngest == sequence)
                return false;
        }

        Grow(sequence, tokens);
        return true;
    }

    /// <summary>
    /// Moves waiting sequences into the batch while the pool holds all of their tokens beside what the others were promised,
    /// with a block in hand for each of these: a sequence that would soon be preempted is better not begun.
    /// </summary>
    private void Admit()
    {
        int promised = 0;
        foreach (Sequence sequence in _running)
            promised += sequence.Table.Missing(sequence.Length);

        while (_waiting.Count > 0 && _running.Count < _maxBatch)
        {
            Sequence next = _waiting[0];
            if (_running.Count > 0 && promised + FreeBlocksFor(next) + _running.Count > _pool.FreeCount)
                return;

            AdoptCachedBlocks(next);
            promised += next.Table.Missing(next.Length);
            _waiting.RemoveAt(0);
            next.Slot = _freeSlots.Pop();
            _running.Add(next);
        }
    }

    /// <summary>How many free blocks a waiting sequence would take: all of its own but those it shares with sequences that run.</summary>
    private int FreeBlocksFor(Sequence waiting)
    {
        int blocks = waiting.Table.Missing(waiting.Length);
        for (int i = 0; waiting.CanShare(i) && _pool.TryFind(waiting.KeyOf(i)!.Value, out int block); i++)
            blocks -= _pool.ReferencesTo(block) > 0 ? 1 : 0;
        return blocks;
    }

    /// <summary>
    /// Shares the rows left among the prompts: each takes half of what those before it left, and the oldest what nobody wants.
    /// So a short question passes beside a long document, and the document is at most half as fast.
    /// </summary>
    private void PlanPrefills()
    {
        int rows = _maxStepRows - _step.RowCount;
        int prompts = _running.Count - _step.DecodeCount;
        foreach (Sequence sequence in _running)
        {
            if (sequence.IsDecoding)
                continue;

            AdoptCachedBlocks(sequence);
            int share = --prompts == 0 ? rows : (rows + 1) / 2;
            int chunk = IsNextBlockPlanned(sequence) ? 0 : Chunk(sequence, 0, share);
            if (chunk == 0)
                continue;

            Grow(sequence, sequence.Computed + chunk);
            _step.AddPrefill(sequence, chunk);
            rows -= chunk;
        }

        for (int i = _step.DecodeCount; i < _step.Count && rows > 0; i++)
        {
            (Sequence sequence, int planned) = _step.Sequences[i];
            int more = Chunk(sequence, planned, rows);
            Grow(sequence, sequence.Computed + planned + more);
            _step.Extend(i, more);
            rows -= more;
        }
    }

    /// <summary>How many rows behind those planned a sequence can use: as far as its tokens and the free blocks reach.</summary>
    private int Chunk(Sequence sequence, int planned, int limit)
    {
        long room = sequence.Table.Capacity + (long)_pool.FreeCount * sequence.Table.BlockSize;
        return (int)Math.Min(Math.Min(sequence.PromptRemaining - planned, limit), room - sequence.Computed - planned);
    }

    /// <summary>
    /// Whether this step already computes, for an older sequence, the very block that this one needs next: it waits a step and
    /// then shares that block. Several questions on one document so read it once, also when they come at the same time.
    /// </summary>
    private bool IsNextBlockPlanned(Sequence sequence)
    {
        if (!sequence.CanShareNextBlock)
            return false;

        foreach ((Sequence older, _) in _step.Sequences[_step.DecodeCount..])
        {
            if (older.NextBlockKey == sequence.NextBlockKey)
                return true;
        }

        return false;
    }

    private void AdoptCachedBlocks(Sequence sequence)
    {
        if (!sequence.CanShareNextBlock)
            return;

        int before = sequence.Table.Blocks.Length, count = before;
        while (sequence.CanShare(count) && _pool.TryFind(sequence.KeyOf(count)!.Value, out _))
            count++;
        if (sequence.Proximal is { } proximal)
            count = AdoptProximalBlocks(sequence, proximal, before, count);
        for (int place = before; place < count; place++)
        {
            _pool.TryFind(sequence.KeyOf(place)!.Value, out int block);
            _pool.Share(block);
            sequence.Adopt(block);
        }

        CachedTokens += (count - before) * sequence.Table.BlockSize;
    }

    // A cached prefix is of use only where the keys of its last tokens are still there for all heads.
    private static int AdoptProximalBlocks(Sequence sequence, ProximalBlocks proximal, int before, int count)
    {
        BlockKey KeyOf(int place) => sequence.KeyOf(place)!.Value;
        while (count > before && !proximal.CanAdopt(count, KeyOf))
            count--;
        if (count > before)
            proximal.Adopt(count, KeyOf);
        return count;
    }

    private void Grow(Sequence sequence, int tokens)
    {
        for (int missing = sequence.Table.Missing(tokens); missing > 0; missing--)
            sequence.Table.Add(_pool.Take());
        sequence.Proximal?.Grow(tokens);
    }

    /// <summary>
    /// Takes a sequence's blocks away. It keeps its tokens and comes first in the queue; its full blocks stay findable until
    /// others take them.
    /// </summary>
    private void Preempt(Sequence youngest)
    {
        youngest.Release(_pool);
        _freeSlots.Push(youngest.Slot);
        _running.RemoveAt(_running.Count - 1);
        _waiting.Insert(0, youngest);
        Preemptions++;
    }
}
