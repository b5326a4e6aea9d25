namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>
/// A value of a template, with the behaviour that Python gives it. <see cref="object.Equals(object)"/> is Python's <c>==</c>.
/// </summary>
internal abstract class Value
{
    /// <summary>The type's name in Python.</summary>
    public abstract string TypeName { get; }

    /// <summary>Whether a condition holds.</summary>
    public virtual bool IsTrue => true;

    /// <summary>Number of elements, or null where <c>len()</c> fails.</summary>
    public virtual int? Length => null;

    /// <summary>What a loop goes over, or null where the value cannot be iterated.</summary>
    public virtual IEnumerable<Value>? Elements => null;

    /// <summary>Appends the value as <c>str()</c> writes it.</summary>
    public abstract void Write(TextBuilder output);

    /// <summary>Appends the value as <c>repr()</c> writes it: inside a list, strings have quotes.</summary>
    public virtual void WriteQuoted(TextBuilder output) => Write(output);

    /// <summary>A method or attribute of the type itself, or null.</summary>
    public virtual Value? FindAttribute(string name) => null;

    /// <summary>The element at an index or key, or null.</summary>
    public virtual Value? FindItem(Value key) => null;

    /// <summary>The value as <c>repr()</c> writes it.</summary>
    public string Quoted()
    {
        TextBuilder output = new();
        WriteQuoted(output);
        return output.ToText().Content;
    }

    /// <summary>The value as text.</summary>
    public Text ToText()
    {
        if (this is Text text)
            return text;
        TextBuilder output = new();
        Write(output);
        return output.ToText();
    }

    public override string ToString() => ToText().Content;
}
