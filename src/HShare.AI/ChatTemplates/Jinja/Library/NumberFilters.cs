using System.Globalization;
using HShare.AI.ChatTemplates.Jinja.Runtime;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Filters that make or change numbers.</summary>
internal static class NumberFilters
{
    public static Value Abs(Value input) =>
        Operators.Order("<", input, new Integer(0)) < 0 ? Operators.Negate(input) : Operators.Plus(input);

    /// <summary>A whole number; what is none gives the default, 0.</summary>
    public static Value Int(Value input, CallArguments arguments)
    {
        Value otherwise = arguments.Bind("default")[0] ?? new Integer(0);
        if (Number.TryInteger(input, out Int128 integer))
            return new Integer(integer);
        if (input is Text text && Int128.TryParse(text.Content, NumberStyles.Integer, CultureInfo.InvariantCulture, out integer))
            return new Integer(integer);
        return TryFloat(input, out double real) && double.IsFinite(real) ? new Integer((Int128)Math.Truncate(real)) : otherwise;
    }

    /// <summary>A number; what is none gives the default, 0.0.</summary>
    public static Value Float(Value input, CallArguments arguments)
    {
        Value otherwise = arguments.Bind("default")[0] ?? new Float(0);
        return TryFloat(input, out double real) ? new Float(real) : otherwise;
    }

    public static Value Round(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("precision", "method");
        if (!Number.TryFloat(input, out double number))
            throw new EvaluationException($"a value of type '{input.TypeName}' cannot be rounded");
        int digits = bound.Integer(0, 0);
        double scale = Math.Pow(10, digits);
        string method = bound.Text(1)?.Content ?? "common";
        if (method == "common" && Number.TryInteger(input, out Int128 integer))
            return new Integer(digits >= 0 ? integer : (Int128)RoundDecimally(number, digits));
        return new Float(method switch
        {
            "common" => RoundDecimally(number, digits),
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw bound.Mismatch(1, "'common', 'ceil' or 'floor'"),
        });
    }

    private static bool TryFloat(Value input, out double number)
    {
        if (input is Undefined undefined)
            throw undefined.Error();
        return input is Text text
            ? double.TryParse(text.Content, NumberStyles.Float, CultureInfo.InvariantCulture, out number)
            : Number.TryFloat(input, out number);
    }

    /// <summary>Rounds the number's exact decimal expansion, halves to even, as Python does.</summary>
    private static double RoundDecimally(double number, int digits) => digits is >= 0 and <= 15
        ? double.Parse(number.ToString("F" + digits, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        : Math.Round(number / Math.Pow(10, -digits)) * Math.Pow(10, -digits);
}
