using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Rows of a right matrix as panels of as many columns as a tile has: [columns / panel][rows][panel].
/// </summary>
internal static unsafe class RightPanels
{
    /// <summary>Packs rows, times one factor per column (unless null); the last panel is padded with zeros.</summary>
    /// <param name="source">The first row.</param>
    /// <param name="stride">Floats between rows.</param>
    /// <param name="scale">One factor per column, or null.</param>
    /// <param name="rows">Rows to pack.</param>
    /// <param name="columns">Columns to pack.</param>
    /// <param name="panel">Columns of a panel, a multiple of the portable vector.</param>
    /// <param name="target">Where the first row goes in the first panel.</param>
    /// <param name="panelStride">Floats between panels.</param>
    public static void Pack(float* source, int stride, float* scale, int rows, int columns, int panel, float* target, long panelStride)
    {
        for (int first = 0; first < rows; first += GemmBlocking.StepsPerCopy)
        {
            int last = Math.Min(first + GemmBlocking.StepsPerCopy, rows);
            for (int column = 0; column < columns; column += panel)
            {
                float* to = target + (column / panel * panelStride) + ((long)first * panel);
                float* from = source + ((long)first * stride) + column;
                int count = Math.Min(panel, columns - column);
                for (int row = first; row < last; row++, to += panel, from += stride) PackRow(from, scale is null ? null : scale + column, count, panel, to);
            }
        }
    }

    private static void PackRow(float* from, float* scale, int count, int panel, float* to)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> value = Vector.Load(from + i);
            if (scale is not null) value *= Vector.Load(scale + i);
            Vector.Store(value, to + i);
        }

        for (; i < count; i++) to[i] = scale is null ? from[i] : from[i] * scale[i];
        for (; i < panel; i++) to[i] = 0;
    }
}

/// <summary>
/// Weights [length, columns] as right panels, times batch norm's scale. Each unit is a range of rows.
/// </summary>
internal unsafe struct ForwardPacking : IParallelBody
{
    public const int UnitRows = 64;

    public float* Weights;
    public float* Scale;
    public int Length;
    public int Columns;
    public int Panel;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitRows, count = Math.Min(UnitRows, Length - first);
        RightPanels.Pack(
            Weights + ((long)first * Columns), Columns, Scale, count, Columns, Panel, Target + ((long)first * Panel), (long)Length * Panel);
    }
}

/// <summary>
/// Weights in file layout, [columns, inChannels, taps], as right panels of the matrix [taps · inChannels, columns],
/// times batch norm's scale. Each unit is a range of input channels.
/// </summary>
internal unsafe struct MappedPacking : IParallelBody
{
    public const int UnitChannels = 64;

    public float* Weights;
    public float* Scale;        // [columns] or null
    public int InChannels;
    public int Taps;
    public int Columns;
    public int Panel;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitChannels, count = Math.Min(UnitChannels, InChannels - first);
        long pitch = (long)InChannels * Taps;
        for (int column = 0; column < Columns; column += Panel)
        {
            int columns = Math.Min(Panel, Columns - column);
            float* from = Weights + (column * pitch) + ((long)first * Taps), panel = Target + (column * pitch) + ((long)first * Panel);
            for (int tap = 0; tap < Taps; tap++, panel += (long)InChannels * Panel)
            {
                if (Taps == 1) Transposition.Copy(from, (nint)pitch, null, columns, count, panel, Panel);
                else Gather(from + tap, pitch, columns, count, panel);
                Finish(Scale is null ? null : Scale + column, columns, count, panel);
            }
        }
    }

    private readonly void Gather(float* from, long pitch, int columns, int rows, float* to)
    {
        for (int row = 0; row < rows; row++, from += Taps, to += Panel)
        {
            for (int column = 0; column < columns; column++) to[column] = from[column * pitch];
        }
    }

    // The factors, with zeros in the rest of the last panel.
    private readonly void Finish(float* scale, int columns, int rows, float* panel)
    {
        for (int row = 0; row < rows; row++, panel += Panel)
        {
            int i = 0;
            if (scale is not null)
            {
                for (; i <= columns - Vector<float>.Count; i += Vector<float>.Count) Vector.Store(Vector.Load(panel + i) * Vector.Load(scale + i), panel + i);
                for (; i < columns; i++) panel[i] *= scale[i];
            }

            for (i = columns; i < Panel; i++) panel[i] = 0;
        }
    }
}

/// <summary>
/// The same for the input gradient: the matrix is [taps · outChannels, inChannels], for the given taps only, with each
/// tap's weights transposed.
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
            Transposition.Copy(Weights + ((((long)Taps[tap] * InChannels) + first) * OutChannels), OutChannels, Scale, count, OutChannels, to, Panel);
            for (int channel = 0; channel < OutChannels && count < Panel; channel++) new Span<float>(to + ((long)channel * Panel) + count, Panel - count).Clear();
        }
    }
}
