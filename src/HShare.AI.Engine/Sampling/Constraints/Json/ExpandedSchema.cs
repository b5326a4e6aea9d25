namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>Schemas that hold together, with what they refer to.</summary>
/// <param name="Parts">All that say something by themselves, each once.</param>
/// <param name="Choices">Of each of these lists one must hold as well.</param>
internal sealed record ExpandedSchema(IReadOnlyList<SchemaPart> Parts, IReadOnlyList<IReadOnlyList<SchemaPart>> Choices)
{
    /// <summary>The parts that hold together with some others.</summary>
    public ExpandedSchema And(ExpandedSchema other) =>
        new([.. Parts.Concat(other.Parts).DistinctBy(part => part.Path)], [.. Choices, .. other.Choices]);
}

/// <summary>Follows <c>$ref</c> and <c>allOf</c>, and collects the lists of <c>anyOf</c> and <c>oneOf</c>.</summary>
internal sealed class SchemaExpansion(SchemaReferences references)
{
    /// <summary>How many branches may be looked through at one place.</summary>
    private const int MaxAlternatives = 2000;

    private const int MaxNesting = 100;

    private readonly HashSet<string> _disjoint = new(StringComparer.Ordinal); // paths whose oneOf was looked at

    /// <summary>Expands schemas that hold together.</summary>
    public ExpandedSchema Expand(IEnumerable<SchemaPart> parts)
    {
        List<SchemaPart> all = [];
        List<IReadOnlyList<SchemaPart>> choices = [];
        HashSet<string> done = new(StringComparer.Ordinal);
        List<string> open = [];
        foreach (SchemaPart part in parts)
            Visit(part);
        return new ExpandedSchema(all, choices);

        void Visit(SchemaPart part)
        {
            if (open.Contains(part.Path) || open.Count == MaxNesting)
                throw part.Unsupported("$ref", "leads back to its own schema with nothing between, or through too many others");
            if (!done.Add(part.Path))
                return;

            SchemaKeywords.Check(part);
            open.Add(part.Path);
            all.Add(part);
            if (references.TargetOf(part) is { } target)
                Visit(target);
            foreach (SchemaPart one in part.Children("allOf"))
                Visit(one);
            foreach (string keyword in (ReadOnlySpan<string>)["anyOf", "oneOf"])
            {
                IReadOnlyList<SchemaPart> branches = part.Children(keyword);
                if (branches.Count == 0 && part.Find(keyword) is not null)
                    throw part.Damaged(keyword, "is an empty list, of which nothing can hold");
                if (branches.Count > 0)
                    choices.Add(branches);
                if (keyword == "oneOf" && branches.Count > 1 && _disjoint.Add(part.Path))
                    new SchemaDisjointness(this).Require(part, branches);
            }

            open.RemoveAt(open.Count - 1);
        }
    }

    /// <summary>The alternatives of schemas that hold together, each without choices of its own.</summary>
    public IReadOnlyList<IReadOnlyList<SchemaPart>> Alternatives(IEnumerable<SchemaPart> parts)
    {
        List<IReadOnlyList<SchemaPart>> alternatives = [];
        Distribute(Expand(parts), alternatives, 0);
        return alternatives;
    }

    private void Distribute(ExpandedSchema schema, List<IReadOnlyList<SchemaPart>> alternatives, int nesting)
    {
        if (schema.Choices.Count == 0)
        {
            alternatives.Add(schema.Parts);
            return;
        }

        SchemaPart first = schema.Choices[0][0];
        if (nesting > MaxNesting)
            throw first.Unsupported("anyOf", "leads back to its own schema with nothing between, or nests too deep");
        var rest = new ExpandedSchema(schema.Parts, [.. schema.Choices.Skip(1)]);
        foreach (SchemaPart branch in schema.Choices[0])
        {
            if (alternatives.Count > MaxAlternatives)
                throw first.Unsupported("anyOf", $"makes more than {MaxAlternatives} alternatives with the other lists beside it");
            Distribute(rest.And(Expand([branch])), alternatives, nesting + 1);
        }
    }
}
