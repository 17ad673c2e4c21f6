using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The matrices of convolutions (<see cref="TapGather"/>): forward, input gradient and weight gradient differ only in
/// which taps read where. The lists live on the caller's stack, sized for the actual numbers of maps and taps.
/// </summary>
internal static unsafe class ConvolutionGather
{
    /// <summary>The taps around the output pixels.</summary>
    public static TapGather Forward(in ConvolutionSpec spec, Tensor x, Tensor y, GatherMap* maps, TapRun* runs)
    {
        float* source = CpuBuffer.PointerOf(x);
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            maps[i] = new GatherMap
            {
                GridHeight = to.Height,
                GridWidth = to.Width,
                FirstRow = y.Shape.FirstRow(i),
                Source = source + ((long)x.Shape.FirstRow(i) * x.Shape.Channels),
                SourceHeight = from.Height,
                SourceWidth = from.Width,
                TargetFirstRow = y.Shape.FirstRow(i),
                TargetWidth = to.Width,
                TargetStride = 1,
            };
        }

        int runCount = 0;
        for (int tap = 0; tap < spec.Taps; tap++)
        {
            int offsetY = (tap / spec.KernelSize * spec.Dilation) - spec.Padding;
            int offsetX = (tap % spec.KernelSize * spec.Dilation) - spec.Padding;
            runCount = AddTap(runs, runCount, tap, offsetY, offsetX);
        }

        return new TapGather
        {
            Maps = maps,
            MapCount = x.Shape.Maps.Length,
            Runs = runs,
            RunCount = runCount,
            Taps = spec.Taps,
            Channels = spec.InChannels,
            Stride = spec.Stride,
        };
    }

    /// <summary>
    /// The taps around the input pixels, reversed, for one phase: with a stride, input pixels fall into stride² phases,
    /// and each phase is reached by its own taps, which <paramref name="taps"/> lists.
    /// </summary>
    public static TapGather Backward(
        in ConvolutionSpec spec, Tensor dy, Tensor dx, int phaseY, int phaseX, GatherMap* maps, TapRun* runs, int* taps)
    {
        int stride = spec.Stride, row = 0;
        float* source = CpuBuffer.PointerOf(dy);
        for (int i = 0; i < dx.Shape.Maps.Length; i++)
        {
            MapSize from = dy.Shape.Maps[i], to = dx.Shape.Maps[i];
            var map = new GatherMap
            {
                GridHeight = (to.Height - phaseY + stride - 1) / stride,
                GridWidth = (to.Width - phaseX + stride - 1) / stride,
                FirstRow = row,
                Source = source + ((long)dy.Shape.FirstRow(i) * dy.Shape.Channels),
                SourceHeight = from.Height,
                SourceWidth = from.Width,
                TargetFirstRow = dx.Shape.FirstRow(i),
                TargetWidth = to.Width,
                TargetY = phaseY,
                TargetX = phaseX,
                TargetStride = stride,
            };
            maps[i] = map;
            row += map.GridHeight * map.GridWidth;
        }

        // Reversed, so that neighboring taps read neighboring pixels from left to right.
        int count = 0, runCount = 0;
        for (int tap = spec.Taps - 1; tap >= 0; tap--)
        {
            int y = phaseY + spec.Padding - (tap / spec.KernelSize * spec.Dilation);
            int x = phaseX + spec.Padding - (tap % spec.KernelSize * spec.Dilation);
            if (y % stride != 0 || x % stride != 0) continue;
            runCount = AddTap(runs, runCount, count, y / stride, x / stride);
            taps[count++] = tap;
        }

        return new TapGather
        {
            Maps = maps,
            MapCount = dx.Shape.Maps.Length,
            Runs = runs,
            RunCount = runCount,
            Taps = count,
            Channels = spec.OutChannels,
            Stride = 1,
        };
    }

    /// <summary>A plain matrix [rows, columns], as stored.</summary>
    public static TapGather Plain(float* source, int rows, int columns, GatherMap* map, TapRun* run)
    {
        *map = new GatherMap { GridHeight = rows, GridWidth = 1, Source = source, SourceHeight = rows, SourceWidth = 1, TargetWidth = 1, TargetStride = 1 };
        *run = new TapRun { Count = 1 };
        return new TapGather { Maps = map, MapCount = 1, Runs = run, RunCount = 1, Taps = 1, Channels = columns, Stride = 1 };
    }

    private static int AddTap(TapRun* runs, int count, int tap, int offsetY, int offsetX)
    {
        TapRun* last = runs + count - 1;
        if (count > 0 && last->OffsetY == offsetY && last->OffsetX + last->Count == offsetX)
        {
            last->Count++;
            return count;
        }

        runs[count] = new TapRun { FirstTap = tap, Count = 1, OffsetY = offsetY, OffsetX = offsetX };
        return count + 1;
    }
}
