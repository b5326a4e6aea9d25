namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>A function, macro, or method bound to its object.</summary>
internal sealed class Function(string name, Func<CallArguments, Value> body) : Value
{
    public string Name { get; } = name;

    public override string TypeName => "function";

    public Value Call(CallArguments arguments) => body(arguments);

    public override Value? FindAttribute(string name) => name == "name" ? Text.FromTemplate(Name) : null;

    public override void Write(TextBuilder output) => output.Append($"<function {Name}>");
}
