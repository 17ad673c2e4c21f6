using System.Numerics;
using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// target[pixel, stride] = ln(max(probability, minimum)), and below every softmax behind the last class. Tells whether a value may be no probability.
/// A unit is some pixels.
/// </summary>
internal unsafe struct ProbabilityLogs<T> : IParallelBody
    where T : unmanaged, ILanes<T>
{
    public const int UnitPixels = 512;

    /// <summary>What a probability may be by rounding, at most.</summary>
    public const float Largest = 1.001f;

    private const float Never = -1e30f;

    public float* Probabilities;        // [pixel, classes]
    public float* Target;
    public int Pixels;
    public int Classes;
    public int Stride;
    public float Minimum;
    public int* Suspicious;             // set to 1

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitPixels, end = Math.Min(Pixels, first + UnitPixels);
        if (!AllInRange(Probabilities + ((long)first * Classes), (long)(end - first) * Classes)) *Suspicious = 1;
        T minimum = T.Broadcast(Minimum);
        for (int pixel = first; pixel < end; pixel++)
        {
            float* row = Target + ((long)pixel * Stride);
            new ReadOnlySpan<float>(Probabilities + ((long)pixel * Classes), Classes).CopyTo(new Span<float>(row, Classes));
            new Span<float>(row + Classes, Stride - Classes).Fill(1);
            for (int c = 0; c < Stride; c += T.Width) T.Log(T.Max(T.Load(row + c), minimum)).Store(row + c);
            new Span<float>(row + Classes, Stride - Classes).Fill(Never);
        }
    }

    /// <summary>Floats from 0 upwards are in the order of their bits, and what is negative, infinite or no number lies above them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AllInRange(float* values, long count)
    {
        Vector<uint> largest = Vector<uint>.Zero;
        long i = 0;
        for (; i <= count - Vector<uint>.Count; i += Vector<uint>.Count) largest = Vector.Max(largest, Vector.Load((uint*)values + i));
        uint limit = BitConverter.SingleToUInt32Bits(Largest);
        bool inRange = !Vector.GreaterThanAny(largest, new Vector<uint>(limit));
        for (; i < count; i++) inRange &= ((uint*)values)[i] <= limit;
        return inRange;
    }
}
