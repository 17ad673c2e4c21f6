using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The weights of all taps as right panels: [channels, columns], with merged taps summed. One unit per panel.
/// </summary>
internal unsafe struct AsppPacking : IParallelBody
{
    public AsppTaps Taps;
    public float** Weights;     // per branch, [taps · channels, outputs]
    public int Panel;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * Panel, outputs = Taps.Outputs;
        float* panel = Target + ((long)first * Taps.Channels);
        new Span<float>(panel, Taps.Channels * Panel).Clear();
        for (int i = 0; i < Taps.Count; i++)
        {
            AsppTap tap = Taps.Taps[i];
            int from = Math.Max(first, tap.Column), count = Math.Min(first + Panel, tap.Column + outputs) - from;
            if (count <= 0) continue;
            for (int s = tap.FirstSource; s < tap.FirstSource + tap.SourceCount; s++)
            {
                int source = Taps.Sources[s];
                float* weights = Weights[source / Taps.TapsPerBranch] + ((long)(source % Taps.TapsPerBranch) * Taps.Channels * outputs) + (from - tap.Column);
                float* to = panel + (from - first);
                for (int channel = 0; channel < Taps.Channels; channel++, weights += outputs, to += Panel)
                {
                    for (int column = 0; column < count; column++) to[column] += weights[column];
                }
            }
        }
    }
}

/// <summary>
/// The products of every pixel with every tap, [rows, columns], except for groups whose outputs all lie outside the
/// map. Each unit is a block of rows.
/// </summary>
internal unsafe struct AsppProducts<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public AsppTaps Taps;
    public AsppMaps Maps;
    public int Rows;
    public int UnitRows;        // at most GemmBlocking.BlockRows, in whole tiles
    public float* Source;
    public float* Right;
    public float* Target;       // rows rounded up to a whole tile
    public WorkerScratch* Scratch;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitRows, rows = Math.Min(UnitRows, Rows - first), tile = TSimd.TileRows, panel = 2 * TSimd.Width;
        int paddedRows = (rows + tile - 1) / tile * tile, length = Taps.Channels, pass = GemmBlocking.StepsPerPass(length);
        float* left = Scratch[worker].Left;
        PrefetchSchedule aside = default;
        for (int step = 0; step < length; step += pass)
        {
            int steps = Math.Min(pass, length - step);
            for (int row = 0; row < paddedRows; row++)
            {
                var to = new Span<float>(left + ((long)row * RowPanel.Stride), steps);
                if (row < rows) new Span<float>(Source + ((long)(first + row) * length) + step, steps).CopyTo(to);
                else to.Clear();
            }

            for (int g = 0; g < Taps.GroupCount; g++)
            {
                AsppGroup group = Taps.Groups[g];
                if (!Maps.IsNeeded(group.OffsetY, first, rows)) continue;
                for (int column = group.FirstColumn; column < group.FirstColumn + group.PaddedColumns; column += panel)
                {
                    float* right = Right + ((long)column * length) + ((long)step * panel);
                    for (int row = 0; row < paddedRows; row += tile)
                    {
                        var side = new LeftTile(left + ((long)row * RowPanel.Stride), RowPanel.Stride, 1);
                        MicroKernel.Multiply<TSimd>(
                            side, right, steps, Target + ((long)(first + row) * Taps.Columns) + column, Taps.Columns, step > 0, ref aside);
                    }
                }
            }
        }
    }
}

/// <summary>
/// Each output is the sum of the biases and, for each tap, the product of the pixel that the tap reads. Each unit is a
/// range of rows.
/// </summary>
internal unsafe struct AsppSums : IParallelBody
{
    public const int UnitRows = 32;

    public AsppTaps Taps;
    public AsppMaps Maps;
    public int Rows;
    public float* Products;
    public float** Shifts;      // per branch, or null
    public int Branches;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        int outputs = Taps.Outputs;
        for (int row = unit * UnitRows; row < Math.Min(Rows, (unit + 1) * UnitRows); row++)
        {
            AsppMap* map = Maps.Find(row);
            int y = (row - map->FirstRow) / map->Width, x = (row - map->FirstRow) % map->Width;
            float* target = Target + ((long)row * outputs);
            new Span<float>(target, outputs).Clear();
            for (int i = 0; i < Branches; i++)
            {
                if (Shifts[i] is not null) Add(Shifts[i], target, outputs);
            }

            for (int i = 0; i < Taps.Count; i++)
            {
                AsppTap tap = Taps.Taps[i];
                int fromY = y + tap.OffsetY, fromX = x + tap.OffsetX;
                if ((uint)fromY >= (uint)map->Height || (uint)fromX >= (uint)map->Width) continue;
                Add(Products + ((map->FirstRow + ((long)fromY * map->Width) + fromX) * Taps.Columns) + tap.Column, target, outputs);
            }
        }
    }

    private static void Add(float* values, float* target, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) Vector.Store(Vector.Load(values + i) + Vector.Load(target + i), target + i);
        for (; i < count; i++) target[i] += values[i];
    }
}
