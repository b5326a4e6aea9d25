using System.Numerics;
using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Sampling;

/// <summary>
/// The tokens that may still be drawn, with their scores: logits first, relative probabilities after <see cref="Weigh"/>. Tokens
/// rank by score, equal ones by id; cuts partition around pivots (quickselect) instead of sorting the vocabulary.
/// </summary>
internal sealed class CandidateSet
{
    [ThreadStatic]
    private static CandidateSet? _ofThisThread;

    private float[] _scores = [];
    private int[] _ids = [];

    /// <summary>This thread's own set, kept so that sampling does not allocate.</summary>
    public static CandidateSet OfThisThread => _ofThisThread ??= new CandidateSet();

    /// <summary>How many tokens are left.</summary>
    public int Count { get; private set; }

    /// <summary>The tokens left, in no particular order.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Their scores.</summary>
    public ReadOnlySpan<float> Scores => _scores.AsSpan(0, Count);

    /// <summary>Starts anew with every token whose logit is at least <paramref name="floor"/>.</summary>
    public void Gather(ReadOnlySpan<float> logits, float floor)
    {
        if (_scores.Length < logits.Length)
        {
            _scores = new float[logits.Length];
            _ids = new int[logits.Length];
        }

        Count = 0;
        Vector<float> floors = new(floor);
        int width = Vector<float>.Count, first = 0;
        for (; first <= logits.Length - width; first += width)
        {
            if (Vector.GreaterThanOrEqualAny(new Vector<float>(logits[first..]), floors))
                Gather(logits.Slice(first, width), first, floor);
        }

        Gather(logits[first..], first, floor);
    }

    /// <summary>Keeps the <paramref name="count"/> tokens of highest rank, in no particular order.</summary>
    public void KeepTop(int count)
    {
        if (count >= Count)
            return;

        int first = 0, last = Count - 1;
        while (first < last)
        {
            int pivot = Partition(first, last);
            if (pivot == count)
                break;
            if (pivot < count)
                first = pivot + 1;
            else
                last = pivot - 1;
        }

        Count = count;
    }

    /// <summary>Orders the tokens left by rank; by insertion, for the few tokens that are ever shown in order.</summary>
    public void Sort()
    {
        for (int i = 1; i < Count; i++)
        {
            for (int j = i; j > 0 && Precedes(j, _scores[j - 1], _ids[j - 1]); j--)
                Swap(j, j - 1);
        }
    }

    /// <summary>Turns logits into probabilities relative to the most probable token: e^((logit - maximum) / temperature).</summary>
    public void Weigh(float maximum, float temperature)
    {
        Span<float> scores = _scores.AsSpan(0, Count);
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        Vector<float> maxima = new(maximum), temperatures = new(temperature);
        foreach (ref Vector<float> vector in vectors)
            vector = Vector.Exp((vector - maxima) / temperatures);
        foreach (ref float score in scores[(vectors.Length * Vector<float>.Count)..])
            score = MathF.Exp((score - maximum) / temperature);
    }

    /// <summary>Keeps the smallest set of highest-ranking tokens whose weight is at least <paramref name="share"/> of the whole.</summary>
    public void KeepMass(float share)
    {
        double whole = Mass(0, Count), target = share * whole;

        // All tokens under this weight together make up less than what may be cut off.
        KeepAtLeast((float)(0.99 * (whole - target) / Count));

        int first = 0, last = Count - 1;
        double before = 0; // mass of [0, first), less than the target
        while (first < last)
        {
            int pivot = Partition(first, last);
            double mass = Mass(first, pivot + 1);
            if (before + mass < target)
            {
                before += mass;
                first = pivot + 1;
            }
            else if (before + mass - _scores[pivot] < target)
            {
                first = last = pivot;
            }
            else
            {
                last = pivot - 1;
            }
        }

        Count = Math.Min(first + 1, Count);
    }

    /// <summary>Keeps the tokens whose weight is at least this.</summary>
    public void KeepAtLeast(float weight)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            _scores[kept] = _scores[i];
            _ids[kept] = _ids[i];
            kept += _scores[i] >= weight ? 1 : 0;
        }

        Count = kept;
    }

    /// <summary>Draws a token by weight.</summary>
    /// <param name="uniform">A random number in [0, 1).</param>
    public int Draw(float uniform)
    {
        double target = uniform * Mass(0, Count), mass = 0;
        int drawn = 0;
        for (int i = 0; i < Count && mass <= target; i++)
        {
            mass += _scores[i];
            drawn = _scores[i] > 0 ? i : drawn;
        }

        return _ids[drawn];
    }

    private void Gather(ReadOnlySpan<float> logits, int firstId, float floor)
    {
        for (int i = 0; i < logits.Length; i++)
        {
            if (logits[i] >= floor)
            {
                _scores[Count] = logits[i];
                _ids[Count++] = firstId + i;
            }
        }
    }

    private double Mass(int from, int to)
    {
        double mass = 0;
        foreach (float score in _scores.AsSpan(from, to - from))
            mass += score;
        return mass;
    }

    /// <summary>Puts what ranks before some token to its left, the rest to its right, and returns where that token came to lie.</summary>
    private int Partition(int first, int last)
    {
        Swap(Median(first, (first + last) >>> 1, last), last);
        float score = _scores[last];
        int id = _ids[last], border = first;
        for (int i = first; i < last; i++)
        {
            if (Precedes(i, score, id))
                Swap(i, border++);
        }

        Swap(border, last);
        return border;
    }

    private int Median(int a, int b, int c)
    {
        if (Precedes(a, _scores[b], _ids[b]))
            (a, b) = (b, a); // b ranks before a
        if (Precedes(c, _scores[b], _ids[b]))
            return b;
        return Precedes(c, _scores[a], _ids[a]) ? c : a;
    }

    private bool Precedes(int index, float score, int id) =>
        _scores[index] > score || (_scores[index] == score && _ids[index] < id);

    private void Swap(int a, int b)
    {
        (_scores[a], _scores[b]) = (_scores[b], _scores[a]);
        (_ids[a], _ids[b]) = (_ids[b], _ids[a]);
    }
}
