using System.Diagnostics;
using System.Runtime.InteropServices;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Sampling.Constraints;

namespace HShare.AI.Engine.Scheduling;

/// <summary>One generation in flight, as the owner thread sees it: its tokens, how many of them are in the cache, and where.</summary>
internal sealed class Sequence
{
    private readonly List<int> _tokens;
    private readonly List<BlockKey> _keys = [];
    private readonly BlockKey? _root;
    private readonly int _blockSize;
    private readonly int[] _stopIds;
    private readonly int _maxTokens;
    private readonly RandomStream _random;
    private readonly TokenCounts? _seen;
    private readonly int[] _continuation;

    /// <summary>A sequence that has not begun. The request is valid and fits.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="policy">How it attends.</param>
    /// <param name="options">The engine's options with every default filled in.</param>
    /// <param name="endOfSequenceIds">The model's own stop ids.</param>
    /// <param name="inbox">Wakes the owner thread when the caller gives up.</param>
    public Sequence(
        GenerationRequest request,
        AttentionPolicy policy,
        EngineOptions options,
        IReadOnlyList<int> endOfSequenceIds,
        RequestInbox inbox)
    {
        _tokens = [.. request.Prompt];
        _blockSize = options.BlockSize;
        _root = options.PrefixSharing switch
        {
            PrefixSharing.Shared => BlockKey.SharedRoot,
            PrefixSharing.PerKey when request.CacheKey is { } key => BlockKey.RootOf(key),
            _ => null,
        };
        _stopIds = [.. request.StopIds ?? endOfSequenceIds];
        _maxTokens = request.MaxOutputTokens is { } output ? _tokens.Count + output : options.MaxContext!.Value;
        _random = request.Sampling.Seed is { } seed ? new RandomStream(seed) : RandomStream.Fresh();
        if (request.Sampling.HasPenalty)
        {
            _seen = new TokenCounts();
            foreach (int id in _tokens)
                _seen.Add(id);
        }

        Constraint = request.Constraint is { } grammar ? new TokenConstraint(grammar, _stopIds) : null;
        PromptLength = _tokens.Count;
        Policy = policy;
        Clock = new SelectionClock(policy);
        TracksReads = request.TracksReads;
        _continuation = [.. request.Continuation];
        Sampling = request.Sampling;
        TopLogprobs = request.TopLogprobs;
        Table = new BlockTable(options.BlockSize);
        Generation = new Generation(PromptLength, inbox);
        Submitted = Stopwatch.GetTimestamp();
    }

    /// <summary>What the caller holds.</summary>
    public Generation Generation { get; }

    /// <summary>When it was submitted, in <see cref="Stopwatch"/> ticks.</summary>
    public long Submitted { get; }

    /// <summary>How tokens are drawn.</summary>
    public SamplingParameters Sampling { get; }

    /// <summary>How many alternatives to report, or null for no log-probabilities.</summary>
    public int? TopLogprobs { get; }

    /// <summary>How it attends.</summary>
    public AttentionPolicy Policy { get; }

    /// <summary>When its leaders choose anew.</summary>
    public SelectionClock Clock { get; }

    /// <summary>Whether the attention that its tokens get is summed up.</summary>
    public bool TracksReads { get; }

    /// <summary>What is kept for it between steps lies here while it runs: a number below the most sequences of a batch.</summary>
    public int Slot { get; set; }

    /// <summary>Its blocks of proximal keys, where some heads keep no others (PoD); else null.</summary>
    public ProximalBlocks? Proximal { get; set; }

    /// <summary>Whether its next token reads by choices; else it reads everything.</summary>
    public bool ReadsByChoice => Policy.Budget is { } budget && !budget.Covers(Computed + 1);

    /// <summary>Whether its prefill sums up attention too.</summary>
    public bool Accumulates => Policy.Retriever == Retriever.Accumulated;

    /// <summary>The next token where it is given and not drawn; else null.</summary>
    public int? GivenToken => GeneratedTokens < _continuation.Length ? _continuation[GeneratedTokens] : null;

    /// <summary>What its output must be and how far that has come; null = anything.</summary>
    public TokenConstraint? Constraint { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Prompt and output so far.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>Tokens of prompt and output so far.</summary>
    public int Length => _tokens.Count;

    /// <summary>Tokens generated so far.</summary>
    public int GeneratedTokens => Length - PromptLength;

    /// <summary>Tokens from the front whose keys and values are in the cache.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens whose keys and values are still to be computed.</summary>
    public int Remaining => Length - Computed;

    /// <summary>Those of them that are read as a prompt.</summary>
    public int PromptRemaining => PromptEnd - Computed;

    /// <summary>
    /// How many tokens are read as a prompt. After a preemption full attention reads all that is there again; a sparse one reads its prompt
    /// and then goes the same steps again, token by token, for a generated token's keys and values depend on what its step read. So does
    /// one whose steps' attention is summed up.
    /// </summary>
    private int PromptEnd => Policy.IsFull && !TracksReads ? Length : PromptLength;

    /// <summary>Prompt tokens read so far; a preemption does not take them back.</summary>
    public int PrefilledTokens { get; private set; }

    /// <summary>Those of them that were found in the prefix cache.</summary>
    public int CachedPromptTokens { get; private set; }

    /// <summary>Whether it has been read to its end and goes on token by token.</summary>
    public bool IsDecoding { get; private set; }

    /// <summary>Its cache blocks.</summary>
    public BlockTable Table { get; }

    /// <summary>How its next token is drawn.</summary>
    public SamplingRow NextDraw => new(Sampling, _random.Uniform(GeneratedTokens), _seen, Constraint?.Allowed());

    /// <summary>Whether its next block has not been begun and may be one that was computed for another sequence.</summary>
    public bool CanShareNextBlock => Computed % _blockSize == 0 && CanShare(Computed / _blockSize);

    /// <summary>The key of the block that its next token goes to; null where that may not be shared or is not full yet.</summary>
    public BlockKey? NextBlockKey => KeyOf(Computed / _blockSize);

    /// <summary>
    /// Whether one of its blocks may be one that was computed for another sequence. Not the block with its last token: that
    /// must be computed for its logits.
    /// </summary>
    public bool CanShare(int block) => _root is not null && !Accumulates && (block + 1) * _blockSize < PromptEnd;

    /// <summary>
    /// The key of one of its blocks; null where that may not be shared or is not full yet. What a sparse step computed is nobody else's.
    /// </summary>
    public BlockKey? KeyOf(int block)
    {
        if (_root is not { } root || (block + 1) * _blockSize > PromptEnd)
            return null;

        while (_keys.Count <= block)
        {
            BlockKey parent = _keys.Count == 0 ? root : _keys[^1];
            _keys.Add(parent.Next(Tokens.Slice(_keys.Count * _blockSize, _blockSize)));
        }

        return _keys[block];
    }

    /// <summary>Takes a block computed for another sequence as its next one.</summary>
    public void Adopt(int block)
    {
        if (Computed == PrefilledTokens && Computed < PromptLength) // else it is read again after a preemption
            CachedPromptTokens += _blockSize;
        Table.Add(block);
        Move(_blockSize);
    }

    /// <summary>Notes that tokens are in the cache now, and makes the blocks they filled findable.</summary>
    public void Advance(int count, BlockPool pool)
    {
        int block = Computed / _blockSize;
        Move(count);
        for (; (block + 1) * _blockSize <= Computed; block++)
        {
            if (KeyOf(block) is not { } key)
                continue;
            pool.Publish(Table.Blocks[block], key);
            Proximal?.Publish(block, key);
        }

        Proximal?.Trim(Computed);
        IsDecoding = Computed >= PromptEnd;
    }

    /// <summary>Makes its blocks unfindable: what they hold is not to be trusted.</summary>
    public void Unpublish(BlockPool pool)
    {
        foreach (int block in Table.Blocks)
            pool.Unpublish(block);
        Proximal?.Unpublish();
    }

    /// <summary>Appends a generated token and says whether that ends the sequence.</summary>
    public GenerationEnd? Append(int id)
    {
        _tokens.Add(id);
        _seen?.Add(id);
        if (_stopIds.AsSpan().Contains(id))
            return GenerationEnd.Stop;
        Constraint?.Advance(id);
        return Length == _maxTokens ? GenerationEnd.Length : null;
    }

    /// <summary>Gives its blocks back. Its tokens stay: it may be computed again.</summary>
    public void Release(BlockPool pool)
    {
        Table.ReleaseTo(pool);
        Proximal?.Release();
        Clock.Reset();
        Computed = 0;
        IsDecoding = false;
    }

    private void Move(int count)
    {
        Computed += count;
        PrefilledTokens = Math.Max(PrefilledTokens, Math.Min(Computed, PromptLength));
    }
}
