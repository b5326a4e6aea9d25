using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests;

/// <summary>Which steps are one launch of a graph: those of a make-up that was seen twice before, and no others.</summary>
public sealed class StepGraphsTests : IDisposable
{
    private const int Columns = 8;

    private readonly CudaBackend _backend = Gpu.Backend();
    private readonly List<LayerReading> _layers = [], _otherLayers = []; // of two policies
    private readonly StepTensors _step;
    private readonly Tensor _table;
    private readonly Tensor _hidden;
    private int _runs;

    public StepGraphsTests()
    {
        _step = new StepTensors(_backend, 4, 4, 1);
        _table = _backend.Allocate(DType.Float32, 16, Columns);
        _backend.Write<float>(_table, [.. Enumerable.Range(0, 16 * Columns).Select(i => (float)(i / Columns))]);
        _hidden = _backend.Allocate(DType.Float32, 4, Columns);
    }

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void The_second_step_of_a_make_up_is_recorded_and_the_third_replayed_with_other_contents()
    {
        for (int step = 0; step < 4; step++)
        {
            int[] ids = [step, step + 1];
            Assert.Equal(ids, Run(ids));
        }

        Assert.Equal((2, 1, 2), (_runs, _backend.Graphs.Recorded, _backend.Graphs.Replays));
    }

    [Fact]
    public void Another_make_up_is_another_graph()
    {
        AttentionGroup one = new(_layers, new SequenceRange(0, 1), Refreshes: false, Reads: true, Tensor.None);
        AttentionGroup two = one with { Sequences = new SequenceRange(1, 1) };
        AttentionGroup[][] makeUps =
        [
            [], [one], [one, two], [two, one], [one with { Refreshes = true }], [one with { Reads = false }],
            [one with { ReadsMass = _hidden }], [one with { Layers = _otherLayers }],
        ];
        foreach (AttentionGroup[] groups in makeUps.Concat(makeUps).Concat(makeUps))
            Assert.Equal([5, 6], Run([5, 6], groups));
        Assert.Equal((makeUps.Length, (long)makeUps.Length), (_backend.Graphs.Recorded, _backend.Graphs.Replays));

        Run([5, 6], logits: 1);
        Run([5]);
        Assert.Equal((long)makeUps.Length, _backend.Graphs.Replays);
    }

    [Fact]
    public void Steps_with_prompts_are_never_recorded()
    {
        for (int step = 0; step < 3; step++)
            Assert.Equal([7, 8], Run([7, 8], decodes: 1));
        Assert.Equal((3, 0), (_runs, _backend.Graphs.Recorded));
    }

    [Fact]
    public void A_step_that_fails_while_it_is_recorded_leaves_the_backend_as_it_was()
    {
        Run([1, 2]);
        Assert.Throws<NotSupportedException>(() => _backend.Execute(_step, () =>
        {
            Embed();
            throw new NotSupportedException();
        }));
        Assert.False(_backend.Runtime.IsCapturing);
        Assert.Equal([3, 4], Run([3, 4]));
        Assert.Equal([5, 6], Run([5, 6]));
        Assert.Equal((1, 1), (_backend.Graphs.Recorded, _backend.Graphs.Replays));
    }

    private int[] Run(int[] ids, AttentionGroup[]? groups = null, int? logits = null, int? decodes = null)
    {
        _step.RowCount = _step.SequenceCount = ids.Length;
        _step.DecodeCount = decodes ?? ids.Length;
        _step.LogitCount = logits ?? ids.Length;
        _step.Groups.Clear();
        _step.Groups.AddRange(groups ?? []);
        _backend.Write<int>(_step.TokenIds, ids);
        _backend.Execute(_step, () =>
        {
            _runs++;
            Embed();
        });
        float[] rows = new float[ids.Length * Columns];
        _backend.Read<float>(_hidden, rows);
        return [.. rows.Where((_, i) => i % Columns == 0).Select(value => (int)value)];
    }

    private void Embed() => _backend.Embed(_step.TokenIds, _table, _hidden.Take(_step.RowCount));
}
