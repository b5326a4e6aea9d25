namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Jinja's <c>namespace()</c>: the one value that a template may change, with <c>set ns.name</c>.</summary>
internal sealed class Namespace : Value
{
    private readonly Dictionary<string, Value> _attributes = [];

    public override string TypeName => "Namespace";

    public void Set(string name, Value value) => _attributes[name] = value;

    public override Value? FindAttribute(string name) => _attributes.GetValueOrDefault(name);

    public override Value? FindItem(Value key) => key is Text name ? FindAttribute(name.Content) : null;

    public override void Write(TextBuilder output) => output.Append("<Namespace>");
}
