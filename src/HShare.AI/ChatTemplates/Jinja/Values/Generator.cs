namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>
/// What filters such as <c>map</c> and <c>selectattr</c> give: items made on demand, that can be gone over once. As in Python it is true
/// even if nothing comes, and has no length: templates put <c>| list</c> behind it.
/// </summary>
internal sealed class Generator(IEnumerable<Value> items) : Value
{
    private readonly IEnumerator<Value> _items = items.GetEnumerator();

    public override string TypeName => "generator";

    public override IEnumerable<Value> Elements
    {
        get
        {
            while (_items.MoveNext())
                yield return _items.Current;
        }
    }

    public override void Write(TextBuilder output) => output.Append("<generator object>");
}
