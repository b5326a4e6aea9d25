namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>True</c> and <c>False</c>.</summary>
internal sealed class Bool : Value
{
    private Bool(bool isTrue) => IsTrue = isTrue;

    public static Bool True { get; } = new(true);

    public static Bool False { get; } = new(false);

    public override string TypeName => "bool";

    public override bool IsTrue { get; }

    public static Bool From(bool value) => value ? True : False;

    public override void Write(TextBuilder output) => output.Append(IsTrue ? "True" : "False");

    public override bool Equals(object? obj) => obj is Bool other
        ? IsTrue == other.IsTrue
        : obj is Value value && Number.TryFloat(value, out double number) && number == (IsTrue ? 1 : 0);

    public override int GetHashCode() => (IsTrue ? 1.0 : 0.0).GetHashCode();
}
