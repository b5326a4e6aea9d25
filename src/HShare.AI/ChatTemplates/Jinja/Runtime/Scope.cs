using System.Diagnostics.CodeAnalysis;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Runtime;

/// <summary>Variables by name. Loops and macros open a scope of their own: what they set is not seen outside.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, Value> _variables = [];

    public void Set(string name, Value value) => _variables[name] = value;

    public bool TryGet(string name, [MaybeNullWhen(false)] out Value value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out value))
                return true;
        }

        value = null;
        return false;
    }

    private Scope? Outer { get; } = outer;
}
