using System.Runtime.CompilerServices;

namespace DeepLab.Backends.Cpu;

/// <summary>Neighboring taps of one kernel row that read neighboring pixels: one copy serves them all.</summary>
internal struct TapRun
{
    public int FirstTap, Count, OffsetY, OffsetX;
}

/// <summary>
/// One map of a gather: the grid whose points are rows of the matrix, the source that taps read, and where rows of the
/// result go.
/// </summary>
internal unsafe struct GatherMap
{
    public int GridHeight, GridWidth, FirstRow;
    public float* Source;
    public int SourceHeight, SourceWidth;
    public int TargetFirstRow, TargetWidth, TargetY, TargetX, TargetStride;
}

/// <summary>The source map of one row of the matrix and the pixel relative to which tap offsets are counted.</summary>
internal unsafe struct RowOrigin
{
    public float* Source;
    public int Height, Width, Y, X;
}

/// <summary>
/// Reads a ragged batch as the matrix of a convolution, [grid points, taps · channels], without storing it: for each
/// tap, point (y, x) of a map's grid holds the channels of pixel (y·stride + offsetY, x·stride + offsetX), or zeros
/// outside the map.
/// </summary>
internal unsafe struct TapGather
{
    public GatherMap* Maps;
    public int MapCount;
    public TapRun* Runs;
    public int RunCount;
    public int Taps;
    public int Channels;
    public int Stride;

    public readonly int Columns => Taps * Channels;

    /// <summary>The rows of the matrix, if they are simply the pixels in their stored order; otherwise null.</summary>
    public readonly float* FindPlainRows()
    {
        if (Taps != 1 || Stride != 1 || Runs->OffsetY != 0 || Runs->OffsetX != 0) return null;
        for (int i = 0; i < MapCount; i++)
        {
            GatherMap* map = Maps + i;
            bool follows = map->Source == Maps->Source + ((long)map->FirstRow * Channels);
            if (!follows || map->GridWidth != map->SourceWidth || map->GridHeight != map->SourceHeight) return null;
        }

        return Maps->Source;
    }

    public readonly int Rows => Maps[MapCount - 1].FirstRow + (Maps[MapCount - 1].GridHeight * Maps[MapCount - 1].GridWidth);

    /// <summary>
    /// Finds the origins of rows, and which rows of the result they produce (unless <paramref name="targets"/> is
    /// null).
    /// </summary>
    public readonly void Locate(int firstRow, int count, RowOrigin* origins, int* targets)
    {
        int mapIndex = MapCount - 1;
        while (Maps[mapIndex].FirstRow > firstRow) mapIndex--;
        GatherMap map = Maps[mapIndex];
        int y = (firstRow - map.FirstRow) / map.GridWidth, x = (firstRow - map.FirstRow) % map.GridWidth;
        for (int row = 0; row < count; row++)
        {
            origins[row] = new RowOrigin { Source = map.Source, Height = map.SourceHeight, Width = map.SourceWidth, Y = y * Stride, X = x * Stride };
            if (targets is not null)
                targets[row] = map.TargetFirstRow + (((y * map.TargetStride) + map.TargetY) * map.TargetWidth) + (x * map.TargetStride) + map.TargetX;
            if (++x < map.GridWidth) continue;
            x = 0;
            if (++y < map.GridHeight || row + 1 == count) continue;
            y = 0;
            do map = Maps[++mapIndex];
            while (map.GridHeight * map.GridWidth == 0);
        }
    }

    /// <summary>
    /// Packs columns [first, first + steps) of rows, <see cref="RowPanel.Stride"/> apart; rows up to the next multiple
    /// of a tile are zeros.
    /// </summary>
    public readonly void PackRows(RowOrigin* origins, int rows, int paddedRows, int first, int steps, float* target)
    {
        for (int index = 0; index < RunCount; index++)
        {
            TapRun run = Runs[index];
            int runStart = run.FirstTap * Channels, runEnd = runStart + (run.Count * Channels);
            int start = Math.Max(first, runStart), end = Math.Min(first + steps, runEnd);
            if (start >= end) continue;
            for (int row = 0; row < rows; row++)
            {
                RowOrigin* origin = origins + row;
                float* to = target + ((long)row * RowPanel.Stride) - first;
                int y = origin->Y + run.OffsetY, x = origin->X + run.OffsetX;
                int inside = start, outside = start;
                if ((uint)y < (uint)origin->Height)
                {
                    inside = Math.Clamp(runStart + (Math.Clamp(-x, 0, run.Count) * Channels), start, end);
                    outside = Math.Clamp(runStart + (Math.Clamp(origin->Width - x, 0, run.Count) * Channels), inside, end);
                }

                if (start < inside) new Span<float>(to + start, inside - start).Clear();
                if (inside < outside)
                {
                    float* from = origin->Source + ((((long)y * origin->Width) + x) * Channels) - runStart;
                    new Span<float>(from + inside, outside - inside).CopyTo(new Span<float>(to + inside, outside - inside));
                }

                if (outside < end) new Span<float>(to + outside, end - outside).Clear();
            }
        }

        for (int row = rows; row < paddedRows; row++) new Span<float>(target + ((long)row * RowPanel.Stride), steps).Clear();
    }

    /// <summary>
    /// Packs the transpose, with each step of a tile of rows contiguous: steps are grid points (whose origins are
    /// given), rows are columns [first, first + rows) of this matrix. <paramref name="pixels"/> is scratch for one
    /// pointer per step; <paramref name="zeros"/> is a pixel of zeros.
    /// </summary>
    public readonly void PackSteps(
        RowOrigin* origins, int steps, int first, int rows, int tileRows, float** pixels, float* zeros, float* target)
    {
        int end = first + rows;
        for (int index = 0; index < RunCount; index++)
        {
            TapRun run = Runs[index];
            for (int tap = run.FirstTap; tap < run.FirstTap + run.Count; tap++)
            {
                int from = Math.Max(first, tap * Channels), to = Math.Min(end, (tap + 1) * Channels);
                if (from >= to) continue;
                FindPixels(origins, steps, run.OffsetY, run.OffsetX + tap - run.FirstTap, pixels, zeros);
                for (int step = 0; step < steps; step += GemmBlocking.StepsPerCopy)
                {
                    int count = Math.Min(GemmBlocking.StepsPerCopy, steps - step);
                    for (int column = from; column < to;)
                    {
                        int tile = (column - first) / tileRows, offset = (column - first) % tileRows;
                        int length = Math.Min(tileRows - offset, to - column);
                        float* panel = target + ((((long)tile * steps) + step) * tileRows) + offset;
                        CopyColumns(pixels + step, count, column - (tap * Channels), length, panel, tileRows);
                        column += length;
                    }
                }
            }
        }

        int padded = (rows + tileRows - 1) / tileRows * tileRows;
        for (int row = rows; row < padded; row++)
        {
            float* last = target + ((long)(row / tileRows) * steps * tileRows) + (row % tileRows);
            for (int step = 0; step < steps; step++) last[(long)step * tileRows] = 0;
        }
    }

    private readonly void FindPixels(RowOrigin* origins, int steps, int offsetY, int offsetX, float** pixels, float* zeros)
    {
        for (int step = 0; step < steps; step++)
        {
            RowOrigin* origin = origins + step;
            int y = origin->Y + offsetY, x = origin->X + offsetX;
            bool inside = (uint)y < (uint)origin->Height && (uint)x < (uint)origin->Width;
            pixels[step] = inside ? origin->Source + ((((long)y * origin->Width) + x) * Channels) : zeros;
        }
    }

    private static void CopyColumns(float** pixels, int steps, int channel, int length, float* target, int stride)
    {
        switch (length)
        {
            case 8:
                for (int step = 0; step < steps; step++, target += stride) *(Floats8*)target = *(Floats8*)(pixels[step] + channel);
                break;
            case 6:
                for (int step = 0; step < steps; step++, target += stride) *(Floats6*)target = *(Floats6*)(pixels[step] + channel);
                break;
            case 4:
                for (int step = 0; step < steps; step++, target += stride) *(Floats4*)target = *(Floats4*)(pixels[step] + channel);
                break;
            default:
                for (int step = 0; step < steps; step++, target += stride)
                {
                    float* from = pixels[step] + channel;
                    for (int i = 0; i < length; i++) target[i] = from[i];
                }

                break;
        }
    }

    [InlineArray(8)]
    private struct Floats8
    {
        private float _first;
    }

    [InlineArray(6)]
    private struct Floats6
    {
        private float _first;
    }

    [InlineArray(4)]
    private struct Floats4
    {
        private float _first;
    }
}
