using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>Products of query heads that are still to be pooled to scores.</summary>
/// <param name="Address">float32 [lists, heads, stride]: a list for each head that asks, of each sequence.</param>
/// <param name="Stride">Floats from one head to the next.</param>
/// <param name="Parts">float32 [lists, heads, parts, 2]: maximum, and sum of 2^(product - maximum), by part of the context.</param>
/// <param name="PartCount">Parts of a context.</param>
/// <param name="Heads">Query heads of a group; 0 = scores are ready.</param>
internal readonly record struct HeadProducts(nint Address, int Stride, nint Parts, int PartCount, int Heads);

/// <summary>
/// The best of scored tokens or pages, ascending: <c>select_top</c>, in front of it <c>pool_scores</c> for long contexts.
/// </summary>
/// <param name="cuda">The GPU.</param>
/// <param name="kept">Candidates of a head whose scores its block keeps in shared memory while it chooses; tests make it small.</param>
internal sealed class TopSelection(CudaRuntime cuda, int kept = TopSelection.MostKept)
{
    /// <summary>As many candidates as leave room for two more blocks on a multiprocessor.</summary>
    public const int MostKept = 16384;

    private const int Threads = 512, LeastUnitsOfPart = 4 * Threads;

    // Blocks for each multiprocessor between which work on contexts is split.
    private const int BlocksPerMultiprocessor = 16;

    private readonly Dictionary<Specialisation, CudaFunction> _selectors = [];
    private readonly Dictionary<Specialisation, CudaFunction> _pools = [];

    /// <summary>Chooses for some sequences of the step.</summary>
    /// <param name="step">Lengths, windows and counts.</param>
    /// <param name="sequences">Which sequences.</param>
    /// <param name="shape">Heads and window.</param>
    /// <param name="retrieval">Scores, or mass, and where the choices go.</param>
    /// <param name="asking">The heads that choose.</param>
    /// <param name="units">Tokens, or pages, of the longest context.</param>
    /// <param name="products">What the scores are pooled from, where they are not ready.</param>
    public void Run(
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        Retrieval retrieval,
        in AskingHeads asking,
        int units,
        HeadProducts products)
    {
        bool byPage = retrieval.Retriever == Retriever.PageBounds, forGood = retrieval.Retriever == Retriever.Accumulated;
        if (products.Heads > 0 && units > kept)
        {
            Pool(step, sequences, shape, retrieval.Scores, asking, products, units, byPage);
            products = default;
        }

        Tensor scores = forGood ? retrieval.Mass : retrieval.Scores;
        SelectedTokens destination = retrieval.Destination;
        int capacity = Math.Min(units, kept);
        cuda.Launch.Start(Get(_selectors, "select_top", new Specialisation(byPage, products.Heads, forGood)))
            .Add(scores.Address).Add(scores.Columns).Add(products.Address).Add(products.Stride).Add(products.Parts).Add(products.PartCount)
            .Add(step.RowStarts.Address).Add(step.Positions.Address).Add(step.SequenceSlots.Address).Add(step.RefreshMask.Address)
            .Add(step.WindowStarts.Address).Add(step.CriticalCounts.Address).Add(destination.Indices.Address)
            .Add(destination.Indices.Columns).Add(destination.Units).Add(in asking.Heads).Add(in asking.Lists).Add(sequences.First)
            .Add(shape.KvHeads).Add(destination.Sinks).Add(shape.SlidingWindow).Add(forGood ? 0 : retrieval.Dilation)
            .Add(capacity)
            .Run(new Grid(asking.Count, sequences.Count), Threads, capacity * sizeof(uint));
    }

    private void Pool(
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        Tensor scores,
        in AskingHeads asking,
        HeadProducts products,
        int units,
        bool byPage)
    {
        int parts = PartsOf(units, sequences.Count * asking.Count);
        cuda.Launch.Start(Get(_pools, "pool_scores", new Specialisation(byPage, products.Heads, ForGood: false)))
            .Add(scores.Address).Add(scores.Columns).Add(products.Address).Add(products.Stride).Add(products.Parts).Add(products.PartCount)
            .Add(step.RowStarts.Address).Add(step.Positions.Address).Add(step.RefreshMask.Address).Add(in asking.Heads)
            .Add(sequences.First).Add(shape.KvHeads).Add(shape.SlidingWindow)
            .Run(new Grid(parts, asking.Count, sequences.Count), Threads);
    }

    // Into how many parts a context is cut for so many lists, so that all multiprocessors have work; known from the maxima alone.
    private int PartsOf(int units, int lists)
    {
        int wanted = (cuda.Properties.MultiprocessorCount * BlocksPerMultiprocessor + lists - 1) / lists;
        return Math.Clamp(wanted, 1, Math.Max(1, units / LeastUnitsOfPart));
    }

    private CudaFunction Get(Dictionary<Specialisation, CudaFunction> compiled, string kernel, Specialisation kind)
    {
        if (!compiled.TryGetValue(kind, out CudaFunction? function))
        {
            compiled[kind] = function = cuda.Kernels.Get(
                "select_top.cu",
                kernel,
                ("UNIT", kind.ByPage ? $"{KvLayer.PageSize}" : "1"),
                ("POOLED", $"{kind.Pooled}"),
                ("FOR_GOOD", kind.ForGood ? "1" : "0"));
        }

        return function;
    }

    // What a kernel is compiled for: candidates are pages, not tokens; query heads whose products it pools; what is left out is out for
    // good.
    private readonly record struct Specialisation(bool ByPage, int Pooled, bool ForGood);
}
