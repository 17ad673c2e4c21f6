using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>target += the column sums, in double. Each unit is a range of columns.</summary>
internal unsafe struct ColumnSums : IParallelBody
{
    public const int UnitColumns = 16;

    public float* Source;
    public int Rows;
    public int Columns;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitColumns, count = Math.Min(UnitColumns, Columns - first);
        double* sums = stackalloc double[UnitColumns];
        new Span<double>(sums, UnitColumns).Clear();
        for (long row = 0; row < Rows; row++)
        {
            float* from = Source + (row * Columns) + first;
            for (int i = 0; i < count; i++) sums[i] += from[i];
        }

        for (int i = 0; i < count; i++) Target[first + i] += (float)sums[i];
    }
}

/// <summary>Column sums and sums of squares, in double. Each unit is a range of columns.</summary>
internal unsafe struct ColumnMoments : IParallelBody
{
    public const int UnitColumns = 16;

    public float* Source;
    public int Rows;
    public int Columns;
    public double* Sums;
    public double* Squares;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitColumns, count = Math.Min(UnitColumns, Columns - first);
        for (long row = 0; row < Rows; row++)
        {
            float* from = Source + (row * Columns) + first;
            for (int i = 0; i < count; i++)
            {
                double value = from[i];
                Sums[first + i] += value;
                Squares[first + i] += value * value;
            }
        }
    }
}

/// <summary>The sum of squares of each unit of values, in double.</summary>
internal unsafe struct SquareSums : IParallelBody
{
    public float* Source;
    public long Length;
    public int UnitValues;
    public double* Partials;

    public readonly void Run(int unit, int worker)
    {
        long first = (long)unit * UnitValues, end = Math.Min(Length, first + UnitValues);
        Vector<double> low = Vector<double>.Zero, high = Vector<double>.Zero;
        long i = first;
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.Load(Source + i), out Vector<double> a, out Vector<double> b);
            low += a * a;
            high += b * b;
        }

        double sum = Vector.Sum(low + high);
        for (; i < end; i++) sum += (double)Source[i] * Source[i];
        Partials[unit] = sum;
    }
}
