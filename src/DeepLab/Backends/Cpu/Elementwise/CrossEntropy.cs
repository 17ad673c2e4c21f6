using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Softmax cross-entropy of rows of scores and its gradient, each pixel computed in double. Each unit is a range of
/// rows.
/// </summary>
internal unsafe struct CrossEntropyRows : IParallelBody
{
    public const int UnitRows = 128;

    /// <summary>As many classes as a label can distinguish; a whole number of vectors.</summary>
    public const int MostClasses = 256;

    public float* Scores;
    public byte* Labels;
    public float* Gradient;     // or null
    public int Rows;
    public int Classes;
    public float GradientScale;
    public double* Partials;

    public readonly void Run(int unit, int worker)
    {
        double* exponentials = stackalloc double[MostClasses];
        double sum = 0;
        int end = Math.Min(Rows, (unit + 1) * UnitRows);
        for (int row = unit * UnitRows; row < end; row++)
        {
            float* scores = Scores + ((long)row * Classes);
            float* gradient = Gradient is null ? null : Gradient + ((long)row * Classes);
            int label = Labels[row];
            if (label < Classes) sum += Pixel(scores, label, gradient, exponentials);
            else if (gradient is not null) new Span<float>(gradient, Classes).Clear();
        }

        Partials[unit] = sum;
    }

    private readonly double Pixel(float* scores, int label, float* gradient, double* exponentials)
    {
        float largest = scores[0];
        for (int i = 1; i < Classes; i++) largest = Math.Max(largest, scores[i]);

        // Padded to whole vectors with exp(-∞) = 0.
        int filled = (Classes + Vector<double>.Count - 1) / Vector<double>.Count * Vector<double>.Count;
        for (int i = 0; i < filled; i++) exponentials[i] = i < Classes ? (double)scores[i] - largest : double.NegativeInfinity;
        double ofLabel = exponentials[label];
        Vector<double> totals = Vector<double>.Zero;
        for (int i = 0; i < filled; i += Vector<double>.Count)
        {
            Vector<double> values = Vector.Exp(Vector.Load(exponentials + i));
            Vector.Store(values, exponentials + i);
            totals += values;
        }

        double total = Vector.Sum(totals);
        if (gradient is not null)
        {
            double scale = GradientScale / total;
            for (int i = 0; i < Classes; i++) gradient[i] = (float)(exponentials[i] * scale);
            gradient[label] = (float)(((exponentials[label] / total) - 1) * GradientScale);
        }

        return Math.Log(total) - ofLabel;
    }
}
