namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>None</c>.</summary>
internal sealed class None : Value
{
    private None()
    {
    }

    public static None Value { get; } = new();

    public override string TypeName => "NoneType";

    public override bool IsTrue => false;

    public override void Write(TextBuilder output) => output.Append("None");
}
