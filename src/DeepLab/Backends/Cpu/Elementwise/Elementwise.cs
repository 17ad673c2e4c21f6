using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>target = the elementwise maximum of several inputs. Each unit is a range of values.</summary>
internal unsafe struct Maximum : IParallelBody
{
    public float** Inputs;
    public int Count;
    public float* Target;
    public long Length;
    public int UnitValues;

    public readonly void Run(int unit, int worker)
    {
        long i = (long)unit * UnitValues, end = Math.Min(Length, i + UnitValues);
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> largest = Vector.Load(Inputs[0] + i);
            for (int k = 1; k < Count; k++)
            {
                Vector<float> value = Vector.Load(Inputs[k] + i);
                largest = Vector.ConditionalSelect(Vector.GreaterThan(value, largest), value, largest);
            }

            Vector.Store(largest, Target + i);
        }

        for (; i < end; i++)
        {
            float largest = Inputs[0][i];
            for (int k = 1; k < Count; k++) largest = Inputs[k][i] > largest ? Inputs[k][i] : largest;
            Target[i] = largest;
        }
    }
}

/// <summary>Adds dy to the gradient of the first input that has the maximum. Each unit is a range of values.</summary>
internal unsafe struct MaximumGradient : IParallelBody
{
    public float** Inputs;
    public float** Gradients;
    public int Count;
    public float* Gradient;
    public long Length;
    public int UnitValues;

    public readonly void Run(int unit, int worker)
    {
        long i = (long)unit * UnitValues, end = Math.Min(Length, i + UnitValues);
        for (; i < end; i++)
        {
            int winner = 0;
            for (int k = 1; k < Count; k++) winner = Inputs[k][i] > Inputs[winner][i] ? k : winner;
            Gradients[winner][i] += Gradient[i];
        }
    }
}

/// <summary>Caffe's momentum step; it also zeroes the gradient. Each unit is a range of values.</summary>
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
        float rate = Settings.LearningRate * Settings.GradientScale, decay = Settings.LearningRate * Settings.Decay, momentum = Settings.Momentum;
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

/// <summary>
/// target = source · scale + the epilogue's shift and remaining terms, row by row. Each unit is a range of rows.
/// </summary>
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
