using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda;

/// <summary>
/// Decode steps as CUDA graphs: what a step launches depends on its make-up alone (rows, groups, whether any leader chooses anew), so a
/// step of a make-up that was seen before is one launch instead of hundreds.
/// </summary>
/// <remarks>
/// The first step of a make-up runs as it is: kernels are compiled and working memory is taken then. The second is recorded. Steps with
/// prompts are never recorded: their make-up does not come again.
/// </remarks>
internal sealed class StepGraphs(CudaRuntime cuda) : IDisposable
{
    /// <summary>Make-ups that are kept; the one longest unused goes first.</summary>
    private const int Capacity = 256;

    private readonly List<RecordedStep> _steps = []; // latest used last

    /// <summary>Graphs recorded so far.</summary>
    public int Recorded { get; private set; }

    /// <summary>Steps that were one launch.</summary>
    public long Replays { get; private set; }

    /// <summary>Runs a step's operations, or replays them.</summary>
    public void Execute(StepTensors step, Action operations)
    {
        if (step.DecodeCount == 0 || step.DecodeCount < step.SequenceCount)
        {
            operations();
            return;
        }

        RecordedStep recorded = Find(step);
        if (recorded.Graph is { } graph)
        {
            graph.Launch();
            Replays++;
        }
        else if (!recorded.HasRun)
        {
            operations();
            recorded.HasRun = true;
        }
        else
        {
            recorded.Graph = cuda.Capture(operations);
            Recorded++;
            recorded.Graph.Launch();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RecordedStep step in _steps)
            step.Graph?.Dispose();
        _steps.Clear();
    }

    private RecordedStep Find(StepTensors step)
    {
        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            RecordedStep found = _steps[i];
            if (!found.Matches(step))
                continue;
            if (i < _steps.Count - 1)
            {
                _steps.RemoveAt(i);
                _steps.Add(found);
            }

            return found;
        }

        if (_steps.Count == Capacity)
        {
            cuda.Synchronize(); // it may still run
            _steps[0].Graph?.Dispose();
            _steps.RemoveAt(0);
        }

        _steps.Add(new RecordedStep(step));
        return _steps[^1];
    }

    // A make-up: everything that decides which operations a step calls, and with which operands.
    private sealed class RecordedStep(StepTensors step)
    {
        private readonly StepTensors _step = step;
        private readonly int _sequences = step.SequenceCount;
        private readonly int _logits = step.LogitCount;
        private readonly AttentionGroup[] _groups = [.. step.Groups];

        public bool HasRun { get; set; }

        public CudaGraph? Graph { get; set; }

        public bool Matches(StepTensors step)
        {
            if (!ReferenceEquals(step, _step) || step.SequenceCount != _sequences || step.LogitCount != _logits
                || step.Groups.Count != _groups.Length)
                return false;

            for (int i = 0; i < _groups.Length; i++)
            {
                AttentionGroup group = step.Groups[i], mine = _groups[i];
                if (!ReferenceEquals(group.Layers, mine.Layers) || group.Sequences != mine.Sequences || group.Refreshes != mine.Refreshes
                    || group.Reads != mine.Reads || group.ReadsMass != mine.ReadsMass)
                    return false;
            }

            return true;
        }
    }
}
