namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>A way out of a state of a <see cref="Grammar"/>.</summary>
/// <param name="Low">The first symbol it takes: a byte, or 256 + the index of a token; or one of the two kinds that take none.</param>
/// <param name="High">The last symbol it takes.</param>
/// <param name="Target">The state behind it; of a call, the state to return to.</param>
/// <param name="Rule">Of a call, the called rule's first state.</param>
internal readonly record struct GrammarEdge(int Low, int High, int Target, int Rule)
{
    private const int NoSymbol = -1;
    private const int CallSymbol = -2;

    /// <summary>Whether it is taken without a symbol.</summary>
    public bool IsEmpty => Low == NoSymbol;

    /// <summary>Whether it calls a rule.</summary>
    public bool IsCall => Low == CallSymbol;

    /// <summary>Whether it takes a symbol.</summary>
    public bool IsConsuming => Low >= 0;

    /// <summary>An edge that takes any symbol of a range.</summary>
    public static GrammarEdge Take(int low, int high, int target) => new(low, high, target, 0);

    /// <summary>An edge that takes nothing.</summary>
    public static GrammarEdge Empty(int target) => new(NoSymbol, NoSymbol, target, 0);

    /// <summary>An edge that goes through a rule.</summary>
    public static GrammarEdge Call(int rule, int target) => new(CallSymbol, CallSymbol, target, rule);

    /// <summary>Whether it takes this symbol.</summary>
    public bool Takes(int symbol) => Low <= symbol && symbol <= High;
}
