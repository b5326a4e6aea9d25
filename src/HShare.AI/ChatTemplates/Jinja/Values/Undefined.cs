namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>
/// What a missing name, attribute or element gives. It writes nothing, is false and empty; anything else done with it fails with
/// <paramref name="reason"/>.
/// </summary>
internal sealed class Undefined(string reason) : Value
{
    public override string TypeName => "Undefined";

    public override bool IsTrue => false;

    public override int? Length => 0;

    public override IEnumerable<Value> Elements => [];

    public static Undefined Name(string name) => new($"'{name}' is undefined");

    public EvaluationException Error() => new(reason);

    public override void Write(TextBuilder output)
    {
    }

    public override void WriteQuoted(TextBuilder output) => output.Append("Undefined");

    public override bool Equals(object? obj) => obj is Undefined;

    public override int GetHashCode() => 0;
}
