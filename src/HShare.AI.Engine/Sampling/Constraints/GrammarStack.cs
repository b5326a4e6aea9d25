namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>The states to return to when rules end, innermost first. Equal stacks are equal whoever made them.</summary>
internal sealed class GrammarStack : IEquatable<GrammarStack>
{
    private readonly int _hash;

    /// <summary>A stack with one more state.</summary>
    public GrammarStack(int returnState, GrammarStack? parent)
    {
        ReturnState = returnState;
        Parent = parent;
        Depth = DepthOf(parent) + 1;
        _hash = HashCode.Combine(returnState, parent?._hash ?? 0);
    }

    /// <summary>Where the innermost rule returns to.</summary>
    public int ReturnState { get; }

    /// <summary>The stack then.</summary>
    public GrammarStack? Parent { get; }

    /// <summary>How many states it holds.</summary>
    public int Depth { get; }

    /// <summary>How many states a stack holds that may be empty.</summary>
    public static int DepthOf(GrammarStack? stack) => stack?.Depth ?? 0;

    /// <inheritdoc/>
    public bool Equals(GrammarStack? other)
    {
        GrammarStack? mine = this;
        while (!ReferenceEquals(mine, other))
        {
            if (mine is null || other is null || mine._hash != other._hash || mine.ReturnState != other.ReturnState)
                return false;
            (mine, other) = (mine.Parent, other.Parent);
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrammarStack);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}

/// <summary>One reading of a text: where it is, and in the midst of which rules. An empty stack is null.</summary>
internal readonly record struct GrammarReading(int State, GrammarStack? Stack);
