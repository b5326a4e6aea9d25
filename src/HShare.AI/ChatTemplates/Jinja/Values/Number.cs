namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Numbers among values: in Python a bool is an int, and an int goes where a float goes.</summary>
internal static class Number
{
    public static bool TryInteger(Value value, out Int128 number)
    {
        number = value switch
        {
            Integer integer => integer.Number,
            Bool truth => truth.IsTrue ? 1 : 0,
            _ => 0,
        };
        return value is Integer or Bool;
    }

    public static bool TryFloat(Value value, out double number)
    {
        bool isInteger = TryInteger(value, out Int128 integer);
        number = value is Float real ? real.Number : (double)integer;
        return isInteger || value is Float;
    }

    /// <summary>Reads an index into a sequence; a negative one counts from the end. False if it is no integer or outside.</summary>
    public static bool TryIndex(Value value, int length, out int index)
    {
        index = 0;
        if (!TryInteger(value, out Int128 number))
            return false;
        number = number < 0 ? number + length : number;
        if (number < 0 || number >= length)
            return false;
        index = (int)number;
        return true;
    }
}
