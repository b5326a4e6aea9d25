using HShare.AI;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;
using HShare.Cli.Bench.Gpu;

namespace HShare.Cli.Doctor;

/// <summary>Every operation of a backend against the CPU backend's, which states what it means, on the same random operands.</summary>
/// <param name="Checked">The backend to be checked.</param>
/// <param name="Cpu">The CPU backend.</param>
/// <param name="NeededBy">Whose operations they are.</param>
internal sealed record OperationChecks(Backend Checked, Backend Cpu, HShareBackend NeededBy)
{
    private const double Tolerance = 1e-2; // of bfloat16's rounding
    private const double Float8Tolerance = 6e-2;
    private const double ListTolerance = 0.05; // shares of a list whose scores may lie too near each other
    private const int Vocabulary = 1000;
    private const int Hidden = 384;
    private const int Intermediate = 512;

    private static readonly int[] Contexts = [1, 31, 33, 700]; // one token, one under and over a block's border, several partitions
    private static readonly int[] SparseContexts = [37, 113, 289, 700]; // with more between sinks and window than is chosen, and less
    private static readonly AttentionShape[] Shapes = [new(6, 2, 64, 0), new(4, 4, 128, 0)]; // the bundled model's, and MHA of 128
    private static readonly int[] RowCounts = [1, 5, 80]; // matrix-vector, few rows, many rows

    /// <summary>Runs all checks, one after the other.</summary>
    public IEnumerable<DoctorCheck> Run()
    {
        yield return Compare("Embed", Tolerance, Embed);
        yield return Compare("AddRmsNorm", Tolerance, AddRmsNorm);
        yield return Compare("Linear, bf16", Tolerance, operands => Linear(operands, WeightFormat.BFloat16));
        yield return Compare("Linear, int8", Tolerance, operands => Linear(operands, WeightFormat.Int8));
        if (Checked.CacheTypes.Contains(DType.Float8)) // else it does not know such numbers
        {
            yield return Compare(
                "Linear, fp8", Float8Tolerance,
                operands => Linear(operands, operands.Backend == Cpu ? WeightFormat.BFloat16 : WeightFormat.Float8));
        }

        yield return Compare("RotateAndStore", Tolerance, operands => Scenes(operands, Contexts, scene => scene.Stored()));
        yield return Compare("AttendPrefill", Tolerance, operands => Scenes(operands, Contexts, scene => scene.AttendPrefill()));
        yield return Compare("AttendDecode", Tolerance, operands => Scenes(operands, Contexts, scene => scene.AttendDecode()));
        yield return Compare("AttendSelected", Tolerance, operands => Scenes(operands, SparseContexts, scene => scene.AttendSelected()));
        foreach (Retriever retriever in Enum.GetValues<Retriever>().Where(retriever => retriever != Retriever.None))
            yield return CompareLists($"Retrieve, {retriever}", retriever);
        yield return Compare("SwiGlu", Tolerance, SwiGlu);
        yield return Compare("Logits", Tolerance, Logits);
        yield return Guard("Sample", () =>
        {
            int[] drawn = Sample(new Operands(Checked)), expected = Sample(new Operands(Cpu));
            return (drawn.SequenceEqual(expected), $"tokens {string.Join(", ", drawn)}; expected {string.Join(", ", expected)}");
        });
    }

    private static float[] Embed(Operands operands)
    {
        using RandomMatrix table = new(Vocabulary, Hidden);
        Tensor hidden = operands.Floats(4, Hidden);
        operands.Backend.Embed(operands.Integers(0, 999, 7, 7), operands.Backend.LoadMatrix(table.Tensor), hidden);
        return operands.Read(hidden);
    }

    private static float[] AddRmsNorm(Operands operands)
    {
        using RandomMatrix weight = new(1, Hidden);
        Tensor residual = operands.Floats(5, Hidden, 1), delta = operands.Floats(5, Hidden, 2), normed = operands.Activations(5, Hidden);
        operands.Backend.AddRmsNorm(residual, delta, operands.Backend.LoadVector(weight.Tensor), 1e-5f, normed);
        return [.. operands.Read(residual), .. operands.Read(normed)];
    }

    private static float[] Linear(Operands operands, WeightFormat format)
    {
        using RandomMatrix first = new(Intermediate, Hidden), second = new(128, Hidden);
        using RandomMatrix bias = new(1, Intermediate), otherBias = new(1, 128);
        Backend backend = operands.Backend;
        LinearWeight weight = backend.LoadLinear([first.Tensor, second.Tensor], [bias.Tensor, otherBias.Tensor], format);
        return
        [
            .. RowCounts.SelectMany(rows =>
            {
                Tensor output = operands.Floats(rows, weight.OutFeatures);
                backend.Linear(operands.Activations(rows, Hidden, rows), weight, output);
                return operands.Read(output);
            }),
        ];
    }

    private static float[] SwiGlu(Operands operands)
    {
        Tensor activated = operands.Activations(5, Intermediate);
        operands.Backend.SwiGlu(operands.Floats(5, 2 * Intermediate, 3), activated);
        return operands.Read(activated);
    }

    private static float[] Logits(Operands operands)
    {
        using RandomMatrix matrix = new(Vocabulary, Hidden);
        Backend backend = operands.Backend;
        StepTensors step = new(backend, 5, 5, 1) { RowCount = 5, SequenceCount = 5, LogitCount = 2 };
        backend.Write<int>(step.LogitRows, [1, 4]);
        Tensor logits = operands.Floats(2, Vocabulary);
        LinearWeight head = backend.LoadLinear([matrix.Tensor], [], WeightFormat.BFloat16);
        backend.Logits(operands.Activations(5, Hidden, 4), step, head, logits);
        return operands.Read(logits);
    }

    private static int[] Sample(Operands operands)
    {
        TokenCounts seen = new();
        seen.Add(3);

        // A backend may walk the tokens in an order of its own, so that a draw falls on others: filters that leave one token tell.
        SamplingRow[] rows =
        [
            new(SamplingParameters.Greedy, 0, null),
            new(new SamplingParameters { Temperature = 0.8f, TopK = 1 }, 0.37f, null),
            new(new SamplingParameters { Temperature = 0.8f, TopP = 1e-6f }, 0.61f, null),
            new(new SamplingParameters { RepetitionPenalty = 1.3f, PresencePenalty = 0.2f, FrequencyPenalty = 0.1f }, 0, seen),
        ];
        int[] ids = new int[rows.Length];
        operands.Backend.Sample(operands.Floats(rows.Length, Vocabulary, 5), rows, ids);
        return ids;
    }

    // The cache is of one type on both, so that what is stored is rounded alike.
    private DType Kv => Checked.CacheTypes.First(Cpu.CacheTypes.Contains);

    private float[] Scenes(Operands operands, int[] contexts, Func<AttentionScene, float[]> use) =>
        [.. Shapes.SelectMany(shape => use(new AttentionScene(operands, shape, Kv, contexts)))];

    private DoctorCheck Compare(string name, double tolerance, Func<Operands, float[]> run) => Guard(name, () =>
    {
        double error = Difference(run(new Operands(Checked)), run(new Operands(Cpu)));
        return (error <= tolerance, $"relative difference {error:0.0e+0}, tolerance {tolerance:0.0e+0}");
    });

    private DoctorCheck CompareLists(string name, Retriever retriever) => Guard(name, () =>
    {
        double share = Shapes.Max(shape => ShareOfOthers(
            new AttentionScene(new Operands(Checked), shape, Kv, SparseContexts).Retrieve(retriever),
            new AttentionScene(new Operands(Cpu), shape, Kv, SparseContexts).Retrieve(retriever)));
        return (share <= ListTolerance, $"{share:P1} of the tokens are others, tolerance {ListTolerance:P0}");
    });

    private DoctorCheck Guard(string name, Func<(bool Passed, string Finding)> check)
    {
        string fix = (NeededBy == HShareBackend.Cuda ? "Update the driver and the CUDA libraries; if it stays, report it" : "Report it")
            + " with the output of hshare doctor --json.";
        try
        {
            (bool passed, string finding) = check();
            return passed ? DoctorCheck.Ok(name, finding, NeededBy) : DoctorCheck.Failed(name, finding, fix, NeededBy);
        }
        catch (Exception error) when (error is not OperationCanceledException) // whatever it was: the next check may tell more
        {
            return DoctorCheck.Failed(name, error.Message, fix, NeededBy);
        }
    }

    /// <summary>‖actual - expected‖ / ‖expected‖; infinite where something is no number or missing.</summary>
    internal static double Difference(float[] actual, float[] expected)
    {
        double difference = 0, size = 0;
        if (actual.Length != expected.Length)
            return double.PositiveInfinity;
        for (int i = 0; i < actual.Length; i++)
        {
            difference += Math.Pow((double)actual[i] - expected[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        double ratio = Math.Sqrt(difference / Math.Max(size, 1e-30));
        return double.IsNaN(ratio) ? double.PositiveInfinity : ratio;
    }

    /// <summary>The largest share of a list that is not in the other one; 1 where a list is not ascending, or too long.</summary>
    internal static double ShareOfOthers(int[][] actual, int[][] expected) => actual.Zip(expected, (mine, theirs) =>
        mine.Length != theirs.Length || !mine.SequenceEqual(mine.Order().Distinct()) ? 1
        : mine.Length == 0 ? 0
        : 1 - mine.Intersect(theirs).Count() / (double)mine.Length).Max();
}
