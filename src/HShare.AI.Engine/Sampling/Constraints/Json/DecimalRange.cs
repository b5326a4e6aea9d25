using System.Globalization;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>
/// The decimal numbers between two limits, digit by digit and without exponent: what a schema's minimum and maximum allow.
/// </summary>
/// <param name="Low">The lower limit.</param>
/// <param name="LowIsOut">Whether the lower limit itself is excluded.</param>
/// <param name="High">The upper limit.</param>
/// <param name="HighIsOut">Whether the upper limit itself is excluded.</param>
/// <param name="FractionDigits">Most digits behind the point; 0 = integers, and the limits are some.</param>
internal sealed record DecimalRange(decimal Low, bool LowIsOut, decimal High, bool HighIsOut, int FractionDigits)
{
    /// <summary>Digits behind the point: all that a 64-bit float can tell apart.</summary>
    public const int MaxFractionDigits = 17;

    /// <summary>Digits behind the point between limits: few enough that no reader rounds a number to a limit it must not reach.</summary>
    public const int LimitedFractionDigits = 9;

    /// <summary>Adds ways that take the numbers.</summary>
    public void Emit(GrammarBuilder builder, int from, int to)
    {
        if (High >= 0)
            new Magnitudes(builder, to, Math.Max(Low, 0), LowIsOut && Low >= 0, High, HighIsOut, FractionDigits).Emit(from);
        if (Low < 0)
        {
            int negative = builder.AddState();
            builder.AddByte(from, negative, '-');
            new Magnitudes(builder, to, Math.Max(-High, 0), High >= 0 || HighIsOut, -Low, LowIsOut, FractionDigits).Emit(negative);
        }
    }

    /// <summary>The numbers without a sign between two limits that have none either.</summary>
    private sealed class Magnitudes
    {
        private readonly GrammarBuilder _builder;
        private readonly int _end;
        private readonly bool _lowIsOut;
        private readonly bool _highIsOut;
        private readonly string _low; // digits before the point
        private readonly string _high;
        private readonly string _lowFraction; // [fraction digits]
        private readonly string _highFraction;

        // By the digits left before the point (below 0: those written behind it), and whether all so far are those of a limit.
        private readonly Dictionary<(int Left, bool AtLow, bool AtHigh), int> _states = [];

        public Magnitudes(GrammarBuilder builder, int end, decimal low, bool lowIsOut, decimal high, bool highIsOut, int fractionDigits)
        {
            _builder = builder;
            _end = end;
            (_lowIsOut, _highIsOut) = (lowIsOut, highIsOut);
            (_low, string lowFraction) = Split(low);
            (_high, string highFraction) = Split(high);
            int digits = fractionDigits == 0 ? 0 : Math.Max(fractionDigits, Math.Max(lowFraction.Length, highFraction.Length) + 1);
            _lowFraction = lowFraction.PadRight(digits, '0');
            _highFraction = highFraction.PadRight(digits, '0');
        }

        /// <summary>Adds the numbers of each length, from those with the fewest digits before the point to those with the most.</summary>
        public void Emit(int from)
        {
            for (int digits = _low.Length; digits <= _high.Length; digits++)
                AddDigits(from, digits, digits == _low.Length, digits == _high.Length, isFirst: true);
        }

        private int StateOf(int left, bool atLow, bool atHigh)
        {
            if (_states.TryGetValue((left, atLow, atHigh), out int state))
                return state;

            _states[(left, atLow, atHigh)] = state = _builder.AddState();
            if (left > 0)
                AddDigits(state, left, atLow, atHigh, isFirst: false);
            else
                AddFraction(state, -left, atLow, atHigh);
            return state;
        }

        private void AddDigits(int from, int left, bool atLow, bool atHigh, bool isFirst)
        {
            int low = atLow ? _low[^left] - '0' : 0, high = atHigh ? _high[^left] - '0' : 9;
            if (isFirst && left > 1)
                low = Math.Max(low, 1);
            AddEach(low, high, atLow, atHigh, (digit, stillLow, stillHigh) =>
                _builder.AddByte(from, StateOf(left - 1, stillLow, stillHigh), digit));
        }

        /// <summary>Behind so many digits of the fraction: the end, or another digit.</summary>
        private void AddFraction(int from, int digits, bool atLow, bool atHigh)
        {
            bool isBelow = atLow && (_lowIsOut || HasMore(_lowFraction, digits));
            bool isAbove = atHigh && _highIsOut && !HasMore(_highFraction, digits);
            if (!isBelow && !isAbove)
                _builder.AddEmpty(from, _end);
            if (digits == _lowFraction.Length)
                return;

            int before = from;
            if (digits == 0)
            {
                before = _builder.AddState();
                _builder.AddByte(from, before, '.');
            }

            int low = atLow ? _lowFraction[digits] - '0' : 0, high = atHigh ? _highFraction[digits] - '0' : 9;
            AddEach(low, high, atLow, atHigh, (digit, stillLow, stillHigh) =>
                _builder.AddByte(before, StateOf(-digits - 1, stillLow, stillHigh), digit));
        }

        private static void AddEach(int low, int high, bool atLow, bool atHigh, Action<int, bool, bool> add)
        {
            for (int digit = low; digit <= high; digit++)
                add('0' + digit, atLow && digit == low, atHigh && digit == high);
        }

        private static bool HasMore(string fraction, int digits) => fraction.AsSpan(digits).ContainsAnyExcept('0');

        private static (string Whole, string Fraction) Split(decimal value)
        {
            string[] parts = value.ToString("0.############################", CultureInfo.InvariantCulture).Split('.');
            return (parts[0], parts.Length > 1 ? parts[1] : "");
        }
    }
}
