namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>
/// Tells whether no value satisfies two branches of a <c>oneOf</c>. Then it is the same as <c>anyOf</c>; else it would have to be known of
/// half a value which branches it will satisfy in the end.
/// </summary>
internal sealed class SchemaDisjointness(SchemaExpansion expansion)
{
    private const int MaxBranches = 128;

    /// <summary>Makes sure that no two branches overlap.</summary>
    /// <exception cref="NotSupportedException">Two of them may.</exception>
    public void Require(SchemaPart part, IReadOnlyList<SchemaPart> branches)
    {
        if (branches.Count > MaxBranches)
            throw part.Unsupported("oneOf", $"has more than {MaxBranches} branches; use 'anyOf'");
        IReadOnlyList<IReadOnlyList<SchemaPart>>[] alternatives = [.. branches.Select(branch => expansion.Alternatives([branch]))];
        for (int i = 0; i < alternatives.Length; i++)
        {
            for (int j = i + 1; j < alternatives.Length; j++)
            {
                if (!alternatives[i].All(mine => alternatives[j].All(its => AreDisjoint(mine, its, 0))))
                {
                    throw part.Unsupported(
                        "oneOf", $"has the branches {i} and {j}, which one value may satisfy at once. Use 'anyOf', or give them different "
                        + "types or a required property with different constants");
                }
            }
        }
    }

    private bool AreDisjoint(IReadOnlyList<SchemaPart> a, IReadOnlyList<SchemaPart> b, int nesting)
    {
        MergedSchema mine = new(a), its = new(b);

        // What is written for one branch must not satisfy the other, which without 'type' allows more than is written for it.
        JsonTypes common = (Written(mine) & Allowed(its)) | (Written(its) & Allowed(mine));
        if (common == JsonTypes.None)
            return true;
        if (mine.Values is { } values && its.Values is { } others)
            return !values.Any(value => others.Any(other => MergedSchema.AreEqual(value, other)));
        if ((common & ~JsonTypes.Number) == JsonTypes.None && AreApart(mine.Numbers, its.Numbers))
            return true;
        return common == JsonTypes.Object && AreDisjointObjects(new ObjectSchema(a), new ObjectSchema(b), nesting);
    }

    private bool AreDisjointObjects(ObjectSchema a, ObjectSchema b, int nesting)
    {
        if (a.Required.Any(name => !b.Allows(name)) || b.Required.Any(name => !a.Allows(name)))
            return true;
        if (nesting > 0)
            return false; // a discriminator is at the top
        return a.Required.Where(b.Required.Contains).Any(name =>
        {
            IReadOnlyList<IReadOnlyList<SchemaPart>> mine = expansion.Alternatives(a.SchemasOf(name));
            IReadOnlyList<IReadOnlyList<SchemaPart>> its = expansion.Alternatives(b.SchemasOf(name));
            return mine.All(one => its.All(other => AreDisjoint(one, other, nesting + 1)));
        });
    }

    private static bool AreApart(NumberLimits a, NumberLimits b) =>
        a.High < b.Low || b.High < a.Low
        || (a.High is not null && a.High == b.Low && (a.HighIsOut || b.LowIsOut))
        || (b.High is not null && b.High == a.Low && (b.HighIsOut || a.LowIsOut));

    private static JsonTypes Written(MergedSchema schema) => schema.Types & OfValues(schema);

    private static JsonTypes Allowed(MergedSchema schema) => schema.GivenTypes & OfValues(schema);

    private static JsonTypes OfValues(MergedSchema schema) => schema.Values is { } values
        ? values.Aggregate(JsonTypes.None, (types, value) => types | JsonTypesReading.Of(value))
        : JsonTypes.Any;
}
