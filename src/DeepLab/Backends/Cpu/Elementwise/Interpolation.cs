using System.Numerics;
using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Backends.Cpu;

/// <summary>Bilinear resizing on the aligned-corners grid. One unit per output row of each map.</summary>
internal unsafe struct BilinearResize : IParallelBody
{
    public MapPair* Maps;
    public int MapCount;
    public int Channels;

    public readonly void Run(int unit, int worker)
    {
        MapPair* map = MapPair.Find(Maps, MapCount, unit);
        int y = unit - map->FirstUnit;
        var vertical = SamplePosition.AlignedCorners(y, map->InputHeight, map->OutputHeight);
        float* low = map->Input + ((long)vertical.Low * map->InputWidth * Channels);
        float* high = map->Input + ((long)vertical.High * map->InputWidth * Channels);
        float* target = map->Output + ((long)y * map->OutputWidth * Channels);
        for (int x = 0; x < map->OutputWidth; x++, target += Channels)
        {
            var horizontal = SamplePosition.AlignedCorners(x, map->InputWidth, map->OutputWidth);
            float right = horizontal.Share, down = vertical.Share;
            Blend(
                low + ((long)horizontal.Low * Channels), low + ((long)horizontal.High * Channels),
                high + ((long)horizontal.Low * Channels), high + ((long)horizontal.High * Channels),
                (1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right, target);
        }
    }

    private readonly void Blend(float* a, float* b, float* c, float* d, float wa, float wb, float wc, float wd, float* target)
    {
        int i = 0;
        for (; i <= Channels - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> value = (Vector.Load(a + i) * wa) + (Vector.Load(b + i) * wb) + (Vector.Load(c + i) * wc) + (Vector.Load(d + i) * wd);
            Vector.Store(value, target + i);
        }

        for (; i < Channels; i++) target[i] = (a[i] * wa) + (b[i] * wb) + (c[i] * wc) + (d[i] * wd);
    }
}

/// <summary>
/// The gradient of <see cref="BilinearResize"/>. One unit per input row of each map, which gathers from the output rows
/// that read it.
/// </summary>
internal unsafe struct BilinearResizeGradient : IParallelBody
{
    public MapPair* Maps;
    public int MapCount;
    public int Channels;
    public bool Accumulate;

    public readonly void Run(int unit, int worker)
    {
        MapPair* map = MapPair.Find(Maps, MapCount, unit);
        int row = unit - map->FirstUnit;
        float* target = map->InputGradient + ((long)row * map->InputWidth * Channels);
        if (!Accumulate) new Span<float>(target, map->InputWidth * Channels).Clear();
        for (int y = 0; y < map->OutputHeight; y++)
        {
            var vertical = SamplePosition.AlignedCorners(y, map->InputHeight, map->OutputHeight);
            float share = (vertical.Low == row ? 1 - vertical.Share : 0) + (vertical.High == row ? vertical.Share : 0);
            if (vertical.Low > row) break;
            if (share == 0) continue;
            float* source = map->OutputGradient + ((long)y * map->OutputWidth * Channels);
            for (int x = 0; x < map->OutputWidth; x++, source += Channels)
            {
                var horizontal = SamplePosition.AlignedCorners(x, map->InputWidth, map->OutputWidth);
                Add(source, share * (1 - horizontal.Share), target + ((long)horizontal.Low * Channels));
                Add(source, share * horizontal.Share, target + ((long)horizontal.High * Channels));
            }
        }
    }

    private readonly void Add(float* source, float factor, float* target)
    {
        int i = 0;
        for (; i <= Channels - Vector<float>.Count; i += Vector<float>.Count)
            Vector.Store(Vector.Load(target + i) + (Vector.Load(source + i) * factor), target + i);
        for (; i < Channels; i++) target[i] += source[i] * factor;
    }
}
