using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Runtime;

/// <summary>Python's operators on values.</summary>
internal static class Operators
{
    private static readonly Comparer<Value> Ascending = Comparer<Value>.Create((left, right) => Order("<", left, right));

    /// <summary>The items in the order of Python's <c>sort</c>.</summary>
    public static T[] Sort<T>(IEnumerable<T> items, Func<T, Value> key, bool descending = false)
    {
        try
        {
            return [.. descending ? items.OrderByDescending(key, Ascending) : items.OrderBy(key, Ascending)];
        }
        catch (InvalidOperationException error) when (error.InnerException is EvaluationException incomparable)
        {
            throw new EvaluationException(incomparable.Message); // .NET wraps what a comparison throws
        }
    }

    public static Value Negate(Value operand)
    {
        if (Number.TryInteger(operand, out Int128 integer))
            return new Integer(-integer);
        return operand is Float real ? new Float(-real.Number) : throw Mismatch("-", operand);
    }

    public static Value Plus(Value operand) =>
        Number.TryInteger(operand, out Int128 integer) ? new Integer(integer) : operand as Float ?? throw Mismatch("+", operand);

    public static Value Binary(string operation, Value left, Value right)
    {
        if (operation == "~")
            return new TextBuilder().Append(left.ToText()).Append(right.ToText()).ToText();
        return (operation, left, right) switch
        {
            ("+", Text first, Text second) => Add(first, second),
            ("+", Sequence first, Sequence second) when first.Kind == second.Kind && !first.IsView =>
                Add(first, second),
            ("*", Text or Sequence, Integer or Bool) => Repeat(left, right),
            ("*", Integer or Bool, Text or Sequence) => Repeat(right, left),
            _ => Arithmetic(operation, left, right),
        };
    }

    /// <summary>Negative, zero or positive as <paramref name="left"/> sorts before, with or behind <paramref name="right"/>.</summary>
    public static int Order(string operation, Value left, Value right)
    {
        if (Number.TryInteger(left, out Int128 leftInteger) && Number.TryInteger(right, out Int128 rightInteger))
            return leftInteger.CompareTo(rightInteger);
        if (Number.TryFloat(left, out double leftFloat) && Number.TryFloat(right, out double rightFloat))
            return leftFloat.CompareTo(rightFloat);
        if (left is Text leftText && right is Text rightText)
            return leftText.CompareTo(rightText);
        if (left is not Sequence first || right is not Sequence second || first.Kind != second.Kind || first.IsView)
            throw Mismatch(operation, left, right);
        Limits.CheckNesting();
        for (int i = 0; i < Math.Min(first.Items.Count, second.Items.Count); i++)
        {
            if (!first.Items[i].Equals(second.Items[i]))
                return Order(operation, first.Items[i], second.Items[i]);
        }

        return first.Items.Count.CompareTo(second.Items.Count);
    }

    public static bool Compare(string operation, Value left, Value right) => operation switch
    {
        "==" => left.Equals(right),
        "!=" => !left.Equals(right),
        "in" => Contains(right, left),
        "not in" => !Contains(right, left),
        "<" => Order(operation, left, right) < 0,
        "<=" => Order(operation, left, right) <= 0,
        ">" => Order(operation, left, right) > 0,
        _ => Order(operation, left, right) >= 0,
    };

    public static bool Contains(Value container, Value item) => container switch
    {
        Text text => item is Text part
            ? text.Content.Contains(part.Content, StringComparison.Ordinal)
            : throw new EvaluationException($"'in' looks for a string in a string, not for a value of type '{item.TypeName}'"),
        Dictionary dictionary => dictionary.FindItem(item) is not null,
        _ => container.Elements?.Contains(item)
            ?? throw new EvaluationException($"a value of type '{container.TypeName}' contains nothing to look for with 'in'"),
    };

    /// <summary>The elements of a slice with a start, stop and step, each perhaps absent.</summary>
    public static Value Slice(Value target, Value? start, Value? stop, Value? step)
    {
        if (target is not (Text or Sequence { IsView: false }))
            throw (target as Undefined)?.Error() ?? new EvaluationException($"a value of type '{target.TypeName}' has no slices");
        int length = target.Length!.Value;
        int stride = Bound(step) ?? 1;
        if (stride == 0)
            throw new EvaluationException("a slice's step cannot be zero");
        int first = Clamp(Bound(start) ?? (stride > 0 ? 0 : int.MaxValue), length, stride);
        int end = Bound(stop) is { } bound ? Clamp(bound, length, stride) : stride > 0 ? length : -1;
        if (target is Text whole && stride == 1)
        {
            int offset = whole.OffsetOf(first);
            return whole.Slice(offset, Math.Max(whole.OffsetOf(end) - offset, 0));
        }

        List<Value> picked = [];
        Sequence elements = target as Sequence ?? new Sequence([.. target.Elements!]);
        for (long i = first; stride > 0 ? i < end : i > end; i += stride)
            picked.Add(elements.Items[(int)i]);
        return target is Sequence sequence ? new Sequence(picked, sequence.Kind) : Concatenate(picked);
    }

    private static int? Bound(Value? value)
    {
        if (value is null or None)
            return null;
        return Number.TryInteger(value, out Int128 number)
            ? (int)Int128.Clamp(number, int.MinValue, int.MaxValue)
            : throw new EvaluationException($"a slice's bounds are integers, not values of type '{value.TypeName}'");
    }

    private static int Clamp(int bound, int length, int stride)
    {
        long fromStart = bound < 0 ? (long)bound + length : bound;
        return stride > 0 ? (int)Math.Clamp(fromStart, 0, length) : (int)Math.Clamp(fromStart, -1, length - 1);
    }

    private static Text Concatenate(IEnumerable<Value> texts)
    {
        TextBuilder output = new();
        foreach (Value text in texts)
            text.Write(output);
        return output.ToText();
    }

    private static Text Add(Text left, Text right)
    {
        bool markup = left.IsMarkup || right.IsMarkup;
        TextBuilder output = new();
        output.Append(markup ? Library.Html.Escape(left) : left).Append(markup ? Library.Html.Escape(right) : right);
        return markup ? output.ToText().AsMarkup() : output.ToText();
    }

    private static Sequence Add(Sequence left, Sequence right)
    {
        Limits.CheckItems((long)left.Items.Count + right.Items.Count);
        return new Sequence([.. left.Items, .. right.Items], left.Kind);
    }

    private static Value Repeat(Value value, Value count)
    {
        Number.TryInteger(count, out Int128 number);
        int times = (int)Int128.Clamp(number, 0, int.MaxValue);
        long length = (long)value.Length!.Value * times;
        times = length == 0 ? 0 : times;
        if (value is Sequence sequence)
        {
            Limits.CheckItems(length);
            return new Sequence([.. Enumerable.Repeat(sequence.Items, times).SelectMany(items => items)], sequence.Kind);
        }

        Limits.CheckCharacters(length);
        return Concatenate(Enumerable.Repeat(value, times));
    }

    private static Value Arithmetic(string operation, Value left, Value right)
    {
        if (!Number.TryFloat(left, out double leftFloat) || !Number.TryFloat(right, out double rightFloat))
            throw Mismatch(operation, left, right);
        if (operation is "/" or "//" or "%" && rightFloat == 0)
            throw new EvaluationException("division by zero");
        bool integers = Number.TryInteger(left, out Int128 leftInteger) & Number.TryInteger(right, out Int128 rightInteger);
        if (!integers || operation == "/" || (operation == "**" && rightInteger < 0))
            return new Float(Arithmetic(operation, leftFloat, rightFloat));
        try
        {
            return new Integer(Arithmetic(operation, leftInteger, rightInteger));
        }
        catch (OverflowException)
        {
            throw new EvaluationException($"the result of '{operation}' is too large");
        }
    }

    private static Int128 Arithmetic(string operation, Int128 left, Int128 right) => operation switch
    {
        "+" => checked(left + right),
        "-" => checked(left - right),
        "*" => checked(left * right),
        "//" => FloorDivide(left, right),
        "%" => left - (FloorDivide(left, right) * right),
        _ => Power(left, right),
    };

    private static double Arithmetic(string operation, double left, double right) => operation switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "//" => Math.Floor(left / right),
        "%" => left - (Math.Floor(left / right) * right),
        _ => Math.Pow(left, right),
    };

    private static Int128 FloorDivide(Int128 left, Int128 right)
    {
        (Int128 quotient, Int128 remainder) = Int128.DivRem(left, right);
        return remainder != 0 && (remainder < 0) != (right < 0) ? quotient - 1 : quotient;
    }

    private static Int128 Power(Int128 number, Int128 exponent)
    {
        Int128 power = 1;
        for (; exponent > 0; exponent >>= 1)
        {
            if (Int128.IsOddInteger(exponent))
                power = checked(power * number);
            if (exponent > 1)
                number = checked(number * number);
        }

        return power;
    }

    private static EvaluationException Mismatch(string operation, Value operand) => operand is Undefined undefined
        ? undefined.Error()
        : new EvaluationException($"cannot apply '{operation}' to a value of type '{operand.TypeName}'");

    private static EvaluationException Mismatch(string operation, Value left, Value right) =>
        (left as Undefined ?? right as Undefined)?.Error()
        ?? new EvaluationException($"cannot apply '{operation}' to values of types '{left.TypeName}' and '{right.TypeName}'");
}
