using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>
/// Rotary angles as transformers computes them: inverse frequencies, their scaling and the product with the position all in float32.
/// More precise angles would differ from those that the models were trained with.
/// </summary>
internal static class RotaryEmbedding
{
    /// <summary>Angle per position of each pair of elements [head_dim / 2].</summary>
    public static float[] InverseFrequencies(RotaryConfig rotary, int headDim)
    {
        var frequencies = new float[headDim / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            float exponent = 2f * i / headDim;
            float frequency = 1f / (float)Math.Pow(rotary.Theta, exponent);
            frequencies[i] = rotary.Scaling switch
            {
                null => frequency,
                LinearRotaryScaling linear => frequency / (float)linear.Factor,
                Llama3RotaryScaling llama3 => Scale(frequency, llama3),
                _ => throw new ArgumentOutOfRangeException(nameof(rotary), rotary.Scaling, "Unknown scaling."),
            };
        }

        return frequencies;
    }

    /// <summary>Makes the table of cosines and sines for positions 0 to <paramref name="positions"/> - 1.</summary>
    public static RotaryTable CreateTable(Backend backend, RotaryConfig rotary, int headDim, int positions)
    {
        float[] frequencies = InverseFrequencies(rotary, headDim);
        int half = frequencies.Length;
        var cosines = new float[checked(positions * half)];
        var sines = new float[positions * half];
        for (int position = 0; position < positions; position++)
        {
            for (int i = 0; i < half; i++)
                (sines[position * half + i], cosines[position * half + i]) = MathF.SinCos(frequencies[i] * position);
        }

        RotaryTable table = new(backend.Allocate(DType.Float32, positions, half), backend.Allocate(DType.Float32, positions, half));
        backend.Write<float>(table.Cosines, cosines);
        backend.Write<float>(table.Sines, sines);
        return table;
    }

    private static float Scale(float frequency, Llama3RotaryScaling scaling)
    {
        float wavelength = 2 * MathF.PI / frequency;
        float context = scaling.OriginalContextLength;
        float low = (float)scaling.LowFrequencyFactor, high = (float)scaling.HighFrequencyFactor, factor = (float)scaling.Factor;
        if (wavelength < context / high)
            return frequency;
        if (wavelength > context / low)
            return frequency / factor;

        float kept = (context / wavelength - low) / (high - low);
        return (1 - kept) * frequency / factor + kept * frequency;
    }
}
