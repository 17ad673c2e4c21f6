namespace DeepLab.Kernels.Cpu;

/// <summary>
/// Weights [length, columns] as panels of as many columns as a tile has: [columns / panel][length][panel], times batch norm's
/// scale; the last panel is filled up with zeros. A unit is a panel.
/// </summary>
internal unsafe struct ForwardPacking : IParallelBody
{
    public float* Weights;
    public float* Scale;
    public int Length;
    public int Columns;
    public int Panel;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * Panel, count = Math.Min(Panel, Columns - first);
        float* to = Target + ((long)first * Length);
        float* scale = Scale is null ? null : Scale + first;
        for (int row = 0; row < Length; row++, to += Panel)
        {
            float* from = Weights + ((long)row * Columns) + first;
            for (int i = 0; i < count; i++) to[i] = scale is null ? from[i] : from[i] * scale[i];
            for (int i = count; i < Panel; i++) to[i] = 0;
        }
    }
}

/// <summary>
/// The same for the gradient of the input: the matrix is [taps · outChannels, inChannels], of the given taps only, each tap's weights transposed.
/// </summary>
internal unsafe struct TransposedPacking : IParallelBody
{
    public float* Weights;      // [all taps · inChannels, outChannels]
    public float* Scale;        // [outChannels] or null
    public int* Taps;
    public int TapCount;
    public int InChannels;
    public int OutChannels;
    public int Panel;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * Panel, count = Math.Min(Panel, InChannels - first);
        float* to = Target + ((long)first * TapCount * OutChannels);
        for (int tap = 0; tap < TapCount; tap++, to += (long)OutChannels * Panel)
        {
            for (int i = 0; i < Panel; i++)
            {
                float* from = Weights + ((((long)Taps[tap] * InChannels) + first + i) * OutChannels);
                for (int channel = 0; channel < OutChannels; channel++)
                {
                    float value = i >= count ? 0 : Scale is null ? from[channel] : from[channel] * Scale[channel];
                    to[((long)channel * Panel) + i] = value;
                }
            }
        }
    }
}
