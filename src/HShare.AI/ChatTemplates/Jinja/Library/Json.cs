using HShare.AI.ChatTemplates.Jinja.Runtime;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>The <c>tojson</c> filter as transformers defines it: Python's <c>json.dumps</c>, without escapes for HTML.</summary>
internal sealed class Json
{
    private readonly TextBuilder _output = new();
    private readonly bool _asciiOnly;
    private readonly Text? _indent;
    private readonly Text _itemSeparator;
    private readonly Text _keySeparator;
    private readonly bool _sortKeys;

    private Json(BoundArguments arguments)
    {
        _asciiOnly = arguments.Flag(0, otherwise: false);
        _indent = arguments[1] switch
        {
            null or None => null,
            Text text => text,
            _ => Text.FromTemplate(new string(' ', Math.Clamp(arguments.Integer(1, 0), 0, 64))),
        };
        (_itemSeparator, _keySeparator) = arguments[2] switch
        {
            null or None => (Text.FromTemplate(_indent is null ? ", " : ","), Text.FromTemplate(": ")),
            Sequence { Items: [Text item, Text key] } => (item, key),
            _ => throw arguments.Mismatch(2, "two strings"),
        };
        _sortKeys = arguments.Flag(3, otherwise: false);
    }

    public static Text Dump(Value value, CallArguments arguments)
    {
        Json json = new(arguments.Bind("ensure_ascii", "indent", "separators", "sort_keys"));
        json.Write(value, depth: 0);
        return json._output.ToText();
    }

    private void Write(Value value, int depth)
    {
        Limits.CheckNesting();
        switch (value)
        {
            case None: _output.Append("null"); break;
            case Bool truth: _output.Append(truth.IsTrue ? "true" : "false"); break;
            case Integer integer: integer.Write(_output); break;
            case Float real: _output.Append(FormatFloat(real.Number)); break;
            case Text text: QuotedText.WriteJson(text, _output, _asciiOnly); break;
            case Sequence { IsView: false } sequence: WriteArray(sequence, depth); break;
            case Dictionary dictionary: WriteObject(dictionary, depth); break;
            case Undefined undefined: throw undefined.Error();
            default: throw new EvaluationException($"a value of type '{value.TypeName}' cannot be written as JSON");
        }
    }

    private static string FormatFloat(double number) => double.IsFinite(number)
        ? Float.Format(number)
        : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";

    private void WriteArray(Sequence sequence, int depth)
    {
        _output.Append("[");
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            StartItem(i, depth + 1);
            Write(sequence.Items[i], depth + 1);
        }

        End("]", sequence.Items.Count, depth);
    }

    private void WriteObject(Dictionary dictionary, int depth)
    {
        IEnumerable<KeyValuePair<Value, Value>> entries = dictionary.Entries;
        if (_sortKeys)
            entries = Operators.Sort(entries, entry => entry.Key);
        int index = 0;
        _output.Append("{");
        foreach ((Value key, Value value) in entries)
        {
            StartItem(index++, depth + 1);
            WriteKey(key);
            _output.Append(_keySeparator);
            Write(value, depth + 1);
        }

        End("}", index, depth);
    }

    private void WriteKey(Value key)
    {
        if (key is Text text)
        {
            QuotedText.WriteJson(text, _output, _asciiOnly);
            return;
        }

        if (key is not (None or Bool or Integer or Float))
            throw new EvaluationException($"a key of type '{key.TypeName}' cannot be written as JSON");
        _output.Append("\"");
        Write(key, depth: 0);
        _output.Append("\"");
    }

    private void StartItem(int index, int depth)
    {
        if (index > 0)
            _output.Append(_itemSeparator);
        NewLine(depth);
    }

    private void End(string bracket, int count, int depth)
    {
        if (count > 0)
            NewLine(depth);
        _output.Append(bracket);
    }

    private void NewLine(int depth)
    {
        if (_indent is null)
            return;
        _output.Append("\n");
        for (int i = 0; i < depth; i++)
            _output.Append(_indent);
    }
}
