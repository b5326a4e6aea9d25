using System.Diagnostics.CodeAnalysis;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Scheduler and runner without threads: what a step holds, and what it allocates.</summary>
public sealed class SchedulerTests : IDisposable
{
    private readonly LanguageModel _model = ScriptedModel.Create();
    private readonly EngineSizing _sizing;
    private readonly RequestInbox _inbox;
    private readonly StepRunner _runner;
    private BlockPool _pool;
    private Scheduler _scheduler;

    public SchedulerTests()
    {
        EngineOptions options = new() { BlockSize = 16, MaxBatch = 4, MaxStepRows = 40, KvCacheBytes = ScriptedModel.CacheBytes(400) };
        _sizing = EngineSizing.Resolve(options, _model.Config, long.MaxValue);
        _inbox = new RequestInbox(_sizing.Options);
        _runner = new StepRunner(_model, _sizing, AttentionNeeds.None);
        UseBlocks(_sizing.Cache.BlockCount);
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Decode_rows_come_first_and_prompts_share_the_rest_by_halves()
    {
        Sequence decoding = Add(5), document = Add(1000), second = Add(200), third = Add(200);
        Assert.Equal([(decoding, 5), (document, 18), (second, 9), (third, 8)], Step());
        Assert.Equal([(decoding, 1), (document, 20), (second, 10), (third, 9)], Step());
        Assert.Equal([(decoding, 1), (document, 20), (second, 10), (third, 9)], Step());
    }

    [Fact]
    public void Rows_a_short_prompt_does_not_need_go_to_the_oldest()
    {
        Sequence document = Add(1000), question = Add(6);
        Assert.Equal([(document, 34), (question, 6)], Step());
        Assert.Equal([(question, 1), (document, 39)], Step());
    }

    [Fact]
    public void Streaming_goes_on_beside_a_long_prompt()
    {
        Sequence streaming = Add(10), document = Add(1000);
        Step();
        for (int tokens = 1; document.GeneratedTokens == 0; tokens++)
        {
            Assert.Equal(tokens, streaming.GeneratedTokens);
            Step();
        }
    }

    [Fact]
    public void A_short_question_passes_beside_a_long_document()
    {
        Sequence document = Add(1000), question = Add(50);
        while (question.GeneratedTokens < 2)
            Step();
        Assert.InRange(document.Computed, 50, 140);
    }

    [Fact]
    public void A_prompt_is_not_begun_until_all_of_it_has_room()
    {
        UseBlocks(13);
        Sequence first = Add(100), second = Add(80); // 7 and 5 blocks, and one in hand
        Step();
        Assert.Equal([first, second], _scheduler.Running.ToArray());

        _scheduler.Remove(first);
        Sequence third = Add(125); // 8 blocks: one too many
        Step();
        Assert.Equal([second], _scheduler.Running.ToArray());
        Assert.Equal([third], _scheduler.Waiting.ToArray());

        _scheduler.Remove(second);
        Step();
        Assert.Equal([third], _scheduler.Running.ToArray());
    }

    [Fact]
    public void The_youngest_is_preempted_and_is_the_first_to_come_back()
    {
        UseBlocks(8);
        Sequence first = Add(30), second = Add(31), last = Add(60);
        while (_scheduler.Preemptions == 0)
            Step();

        Assert.Equal([first], _scheduler.Running.ToArray());
        Assert.Equal([second, last], _scheduler.Waiting.ToArray());
        Assert.Equal(0, second.Computed);
        int generated = second.GeneratedTokens;
        Assert.True(generated > 0);

        _scheduler.Remove(first);
        Step();
        Assert.Equal(second, _scheduler.Running[0]);
        Assert.InRange(second.GeneratedTokens, generated, generated + 1);
    }

    [Fact]
    public void Decode_steps_do_not_allocate()
    {
        for (int i = 0; i < 4; i++)
            Add(30);
        while (_scheduler.Running.Length == 0 || _scheduler.Running[^1].GeneratedTokens < 600)
            Step(collect: false);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++)
            Step(collect: false);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before); // lists grow by doubling: the next time at 960 tokens
    }

    /// <summary>Starts anew with a pool of so many blocks.</summary>
    [MemberNotNull(nameof(_pool), nameof(_scheduler))]
    private void UseBlocks(int count)
    {
        _pool = new BlockPool(count);
        _scheduler = new Scheduler(_pool, _sizing.Options);
    }

    private Sequence Add(int promptLength)
    {
        GenerationRequest request = new() { Prompt = ScriptedModel.Prompt(promptLength, seed: promptLength + _scheduler.Waiting.Length) };
        AttentionPolicy full = new AttentionPolicyFactory(_model.Config, _model.Directory).Create(AttentionPreset.Full);
        Sequence sequence = new(request, full, _sizing.Options, [], _inbox);
        _scheduler.Add(sequence);
        return sequence;
    }

    private List<(Sequence Sequence, int Rows)> Step(bool collect = true)
    {
        ScheduledStep step = _scheduler.Plan();
        List<(Sequence, int)> planned = collect ? [.. step.Sequences.ToArray().Select(rows => (rows.Sequence, rows.Rows))] : null!;
        ReadOnlySpan<SampledToken> sampled = _runner.Run(step);
        _scheduler.Complete(step);
        foreach ((Sequence sequence, int id, _) in sampled)
            sequence.Append(id);
        return planned;
    }
}
