namespace HShare.AI.Engine.Sampling.Constraints.Patterns;

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode
{
    /// <summary>Makes a part of an automaton of it.</summary>
    public abstract void Emit(CharacterAutomaton automaton, int from, int to);

    /// <summary>One character of a set.</summary>
    public sealed record Character(CharacterSet Set) : PatternNode
    {
        /// <inheritdoc/>
        public override void Emit(CharacterAutomaton automaton, int from, int to) => automaton.Add(from, to, Set);
    }

    /// <summary>The beginning or the end of the text.</summary>
    public sealed record Anchor(bool IsStart) : PatternNode
    {
        /// <summary>Anchors stand at the borders of the whole expression only, and are taken off there.</summary>
        public override void Emit(CharacterAutomaton automaton, int from, int to) => throw new InvalidOperationException();
    }

    /// <summary>All of these, one behind the other.</summary>
    public sealed record Sequence(IReadOnlyList<PatternNode> Nodes) : PatternNode
    {
        /// <inheritdoc/>
        public override void Emit(CharacterAutomaton automaton, int from, int to)
        {
            foreach (PatternNode node in Nodes)
            {
                int next = automaton.AddState();
                node.Emit(automaton, from, next);
                from = next;
            }

            automaton.AddEmpty(from, to);
        }
    }

    /// <summary>One of these.</summary>
    public sealed record Alternatives(IReadOnlyList<PatternNode> Nodes) : PatternNode
    {
        /// <inheritdoc/>
        public override void Emit(CharacterAutomaton automaton, int from, int to)
        {
            foreach (PatternNode node in Nodes)
            {
                (int begin, int end) = (automaton.AddState(), automaton.AddState()); // of its own, for nodes that loop
                automaton.AddEmpty(from, begin);
                node.Emit(automaton, begin, end);
                automaton.AddEmpty(end, to);
            }
        }
    }

    /// <summary>This so many times.</summary>
    /// <param name="Node">What is repeated.</param>
    /// <param name="Least">How often at least.</param>
    /// <param name="Most">How often at most; null = any number.</param>
    public sealed record Repetition(PatternNode Node, int Least, int? Most) : PatternNode
    {
        /// <inheritdoc/>
        public override void Emit(CharacterAutomaton automaton, int from, int to)
        {
            for (int i = 0; i < (Most ?? Least); i++)
            {
                if (i >= Least)
                    automaton.AddEmpty(from, to);
                int next = automaton.AddState();
                Node.Emit(automaton, from, next);
                from = next;
            }

            if (Most is null)
            {
                (int begin, int end) = (automaton.AddState(), automaton.AddState());
                automaton.AddEmpty(from, begin);
                Node.Emit(automaton, begin, end);
                automaton.AddEmpty(end, begin);
                automaton.AddEmpty(begin, to);
            }
            else
            {
                automaton.AddEmpty(from, to);
            }
        }
    }
}
