using System.Globalization;

namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>int</c>, of up to 127 bits.</summary>
internal sealed class Integer(Int128 number) : Value
{
    public Int128 Number { get; } = number;

    public override string TypeName => "int";

    public override bool IsTrue => Number != 0;

    public override void Write(TextBuilder output) => output.Append(Number.ToString(CultureInfo.InvariantCulture));

    public override bool Equals(object? obj) => obj is Integer or Bool
        ? Values.Number.TryInteger((Value)obj, out Int128 other) && Number == other
        : obj is Float real && real.Number == (double)Number;

    public override int GetHashCode() => ((double)Number).GetHashCode();
}
