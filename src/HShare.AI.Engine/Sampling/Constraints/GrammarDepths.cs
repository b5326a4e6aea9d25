namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// How deep calls must nest at least between a state and the end of its rule. A text never goes where this does not fit under
/// <see cref="Grammar.MaxDepth"/>: so it can always be brought to an end, and what can never end is found before it is begun.
/// </summary>
internal static class GrammarDepths
{
    /// <summary>The depths of all states; <see cref="Grammar.Endless"/> for those from which no end can be reached.</summary>
    public static int[] Of(GrammarEdge[] edges, int[] firstEdges, bool[] ends)
    {
        (int[] sources, int[] firstUsers, int[] users) = Users(edges, firstEdges, ends.Length);
        var depths = new int[ends.Length];
        Array.Fill(depths, Grammar.Endless);
        Queue<int> changed = new(); // of states with the depth in turn, then of those with the next: none changes twice
        List<int> next = [.. Enumerable.Range(0, ends.Length).Where(state => ends[state])];
        for (int depth = 0; depth <= Grammar.MaxDepth; depth++)
        {
            foreach (int state in next)
                Settle(state, depth);
            next.Clear();
            while (changed.TryDequeue(out int state))
            {
                foreach (int index in users.AsSpan(firstUsers[state]..firstUsers[state + 1]))
                {
                    GrammarEdge edge = edges[index];
                    int needed = edge.IsCall ? Math.Max(depths[edge.Rule] + 1, depths[edge.Target]) : depths[edge.Target];
                    if (needed == depth)
                        Settle(sources[index], depth);
                    else if (needed == depth + 1 && needed < depths[sources[index]])
                        next.Add(sources[index]);
                }
            }
        }

        return depths;

        void Settle(int state, int depth)
        {
            if (depth >= depths[state])
                return;
            depths[state] = depth;
            changed.Enqueue(state);
        }
    }

    /// <summary>For each edge the state it leaves, and for each state the edges whose depth hangs on it.</summary>
    private static (int[] Sources, int[] FirstUsers, int[] Users) Users(GrammarEdge[] edges, int[] firstEdges, int states)
    {
        var sources = new int[edges.Length];
        var first = new int[states + 1];
        for (int state = 0; state < states; state++)
            sources.AsSpan(firstEdges[state]..firstEdges[state + 1]).Fill(state);
        foreach (GrammarEdge edge in edges)
        {
            first[edge.Target + 1]++;
            if (edge.IsCall)
                first[edge.Rule + 1]++;
        }

        for (int state = 0; state < states; state++)
            first[state + 1] += first[state];
        var users = new int[first[^1]];
        int[] filled = [.. first];
        for (int i = 0; i < edges.Length; i++)
        {
            users[filled[edges[i].Target]++] = i;
            if (edges[i].IsCall)
                users[filled[edges[i].Rule]++] = i;
        }

        return (sources, first, users);
    }
}
