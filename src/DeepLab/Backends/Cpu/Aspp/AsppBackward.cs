using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The gradients that reach each input pixel, one column per tap and output: [rows, columns], zero where a tap's output
/// lies outside the map. Both gradients are plain products of this matrix. Each unit is a range of rows.
/// </summary>
internal unsafe struct AsppGradients : IParallelBody
{
    public const int UnitRows = 32;

    public AsppTaps Taps;
    public AsppMaps Maps;
    public int Rows;
    public float* Source;       // [rows, outputs]
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int outputs = Taps.Outputs;
        for (int row = unit * UnitRows; row < Math.Min(Rows, (unit + 1) * UnitRows); row++)
        {
            AsppMap* map = Maps.Find(row);
            int y = (row - map->FirstRow) / map->Width, x = (row - map->FirstRow) % map->Width;
            float* target = Target + ((long)row * Taps.Columns);
            new Span<float>(target, Taps.Columns).Clear();
            for (int i = 0; i < Taps.Count; i++)
            {
                AsppTap tap = Taps.Taps[i];
                int toY = y - tap.OffsetY, toX = x - tap.OffsetX;
                if ((uint)toY >= (uint)map->Height || (uint)toX >= (uint)map->Width) continue;
                new Span<float>(Source + ((map->FirstRow + ((long)toY * map->Width) + toX) * outputs), outputs).CopyTo(new Span<float>(target + tap.Column, outputs));
            }
        }
    }
}

/// <summary>
/// The transposed weights of all taps as right panels: [columns, channels], with merged taps summed. One unit per
/// panel.
/// </summary>
internal unsafe struct TransposedAsppPacking : IParallelBody
{
    public AsppTaps Taps;
    public float** Weights;     // per branch, [taps · channels, outputs]
    public int Panel;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * Panel, count = Math.Min(Panel, Taps.Channels - first), outputs = Taps.Outputs;
        float* panel = Target + ((long)first * Taps.Columns);
        new Span<float>(panel, Taps.Columns * Panel).Clear();
        for (int i = 0; i < Taps.Count; i++)
        {
            AsppTap tap = Taps.Taps[i];
            for (int s = tap.FirstSource; s < tap.FirstSource + tap.SourceCount; s++)
            {
                int source = Taps.Sources[s];
                float* weights = Weights[source / Taps.TapsPerBranch] + ((((long)(source % Taps.TapsPerBranch) * Taps.Channels) + first) * outputs);
                for (int channel = 0; channel < count; channel++)
                {
                    float* to = panel + ((long)tap.Column * Panel) + channel;
                    for (int output = 0; output < outputs; output++) to[output * Panel] += weights[(channel * outputs) + output];
                }
            }
        }
    }
}

/// <summary>
/// Adds the gradients of all taps, [channels, columns], to the weight gradients of the branches. One unit per channel.
/// </summary>
internal unsafe struct AsppScatter : IParallelBody
{
    public AsppTaps Taps;
    public float* Source;
    public float** Targets;     // per branch, [taps · channels, outputs]

    public readonly void Run(int unit, int worker)
    {
        float* row = Source + ((long)unit * Taps.Columns);
        for (int i = 0; i < Taps.Count; i++)
        {
            AsppTap tap = Taps.Taps[i];
            for (int s = tap.FirstSource; s < tap.FirstSource + tap.SourceCount; s++)
            {
                int source = Taps.Sources[s];
                float* target = Targets[source / Taps.TapsPerBranch] + ((((long)(source % Taps.TapsPerBranch) * Taps.Channels) + unit) * Taps.Outputs);
                ScaledSum.Add(row + tap.Column, null, target, Taps.Outputs);
            }
        }
    }
}
