namespace DeepLab.Kernels.Cpu;

/// <summary>Softmax cross-entropy of rows of scores and its gradient, in double a pixel. A unit is some rows.</summary>
internal unsafe struct CrossEntropyRows : IParallelBody
{
    public const int UnitRows = 128;

    public float* Scores;
    public byte* Labels;
    public float* Gradient;     // or null
    public int Rows;
    public int Classes;
    public float GradientScale;
    public double* Partials;

    public readonly void Run(int unit, int worker)
    {
        double sum = 0;
        int end = Math.Min(Rows, (unit + 1) * UnitRows);
        for (int row = unit * UnitRows; row < end; row++)
        {
            float* scores = Scores + ((long)row * Classes);
            float* gradient = Gradient is null ? null : Gradient + ((long)row * Classes);
            int label = Labels[row];
            if (label < Classes) sum += Pixel(scores, label, gradient);
            else if (gradient is not null) new Span<float>(gradient, Classes).Clear();
        }

        Partials[unit] = sum;
    }

    private readonly double Pixel(float* scores, int label, float* gradient)
    {
        double largest = scores[0];
        for (int i = 1; i < Classes; i++) largest = Math.Max(largest, scores[i]);
        double total = 0;
        for (int i = 0; i < Classes; i++) total += Math.Exp(scores[i] - largest);
        if (gradient is not null)
        {
            for (int i = 0; i < Classes; i++)
                gradient[i] = (float)(((Math.Exp(scores[i] - largest) / total) - (i == label ? 1 : 0)) * GradientScale);
        }

        return Math.Log(total) - (scores[label] - largest);
    }
}
