using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>target = max(a, b, c). A unit is some values.</summary>
internal unsafe struct MaximumOfThree : IParallelBody
{
    public float* A;
    public float* B;
    public float* C;
    public float* Target;
    public long Length;
    public int UnitValues;

    public readonly void Run(int unit, int worker)
    {
        long i = (long)unit * UnitValues, end = Math.Min(Length, i + UnitValues);
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> a = Vector.Load(A + i), b = Vector.Load(B + i), c = Vector.Load(C + i);
            Vector<float> ab = Vector.ConditionalSelect(Vector.GreaterThan(b, a), b, a);
            Vector.Store(Vector.ConditionalSelect(Vector.GreaterThan(c, ab), c, ab), Target + i);
        }

        for (; i < end; i++)
        {
            float ab = B[i] > A[i] ? B[i] : A[i];
            Target[i] = C[i] > ab ? C[i] : ab;
        }
    }
}

/// <summary>Adds dy to the gradient of the first of a, b, c that is the largest. A unit is some values.</summary>
internal unsafe struct MaximumOfThreeGradient : IParallelBody
{
    public float* A;
    public float* B;
    public float* C;
    public float* Gradient;
    public float* GradientA;
    public float* GradientB;
    public float* GradientC;
    public long Length;
    public int UnitValues;

    public readonly void Run(int unit, int worker)
    {
        long i = (long)unit * UnitValues, end = Math.Min(Length, i + UnitValues);
        for (; i < end; i++)
        {
            float ab = B[i] > A[i] ? B[i] : A[i];
            float* winner = C[i] > ab ? GradientC : B[i] > A[i] ? GradientB : GradientA;
            winner[i] += Gradient[i];
        }
    }
}

/// <summary>Caffe's momentum step; the gradient is zero afterwards. A unit is some values.</summary>
internal unsafe struct SgdStep : IParallelBody
{
    public float* Weights;
    public float* Gradient;
    public float* Velocity;
    public long Length;
    public int UnitValues;
    public SgdSettings Settings;

    public readonly void Run(int unit, int worker)
    {
        long i = (long)unit * UnitValues, end = Math.Min(Length, i + UnitValues);
        float rate = Settings.Rate * Settings.GradientScale, decay = Settings.Rate * Settings.Decay, momentum = Settings.Momentum;
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> w = Vector.Load(Weights + i);
            Vector<float> v = (Vector.Load(Velocity + i) * momentum) + (Vector.Load(Gradient + i) * rate) + (w * decay);
            Vector.Store(v, Velocity + i);
            Vector.Store(w - v, Weights + i);
            Vector.Store(Vector<float>.Zero, Gradient + i);
        }

        for (; i < end; i++)
        {
            float v = (Velocity[i] * momentum) + (Gradient[i] * rate) + (Weights[i] * decay);
            Velocity[i] = v;
            Weights[i] -= v;
            Gradient[i] = 0;
        }
    }
}

/// <summary>target = source · scale + the epilogue's shift and the rest, row by row. A unit is some rows.</summary>
internal unsafe struct AffineRows : IParallelBody
{
    public float* Source;
    public float* Scale;
    public int Rows;
    public int UnitRows;
    public Epilogue Epilogue;
    public WorkerScratch* Scratch;

    public readonly void Run(int unit, int worker)
    {
        const int most = GemmBlocking.BlockColumns;
        float* block = Scratch[worker].Block;
        int end = Math.Min(Rows, (unit + 1) * UnitRows);
        for (int row = unit * UnitRows; row < end; row++)
        {
            for (int first = 0; first < Epilogue.Columns; first += most)
            {
                int count = Math.Min(most, Epilogue.Columns - first);
                float* from = Source + ((long)row * Epilogue.Columns) + first;
                for (int i = 0; i < count; i++) block[i] = from[i] * Scale[first + i];
                Epilogue.Store(block, row, first, count);
            }
        }
    }
}
