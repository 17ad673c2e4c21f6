using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// One map of a pooling or resizing operation: pointers to its pixels on both sides, and the unit at which its rows
/// start.
/// </summary>
internal unsafe struct MapPair
{
    public float* Input;
    public float* Output;
    public float* InputGradient;
    public float* OutputGradient;
    public int InputHeight, InputWidth, OutputHeight, OutputWidth, FirstUnit;

    /// <summary>The last map that starts at or before the unit.</summary>
    public static MapPair* Find(MapPair* maps, int count, int unit)
    {
        MapPair* map = maps + count - 1;
        while (map->FirstUnit > unit) map--;
        return map;
    }
}

/// <summary>Max pooling forward. One unit per output row of each map.</summary>
internal unsafe struct MaxPooling : IParallelBody
{
    public MapPair* Maps;
    public int MapCount;
    public int Channels;
    public PoolingGeometry Geometry;

    public readonly void Run(int unit, int worker)
    {
        MapPair* map = MapPair.Find(Maps, MapCount, unit);
        int y = unit - map->FirstUnit, top = (y * Geometry.Stride) - Geometry.Padding;
        int firstY = Math.Max(top, 0), endY = Math.Min(top + Geometry.KernelSize, map->InputHeight);
        for (int x = 0; x < map->OutputWidth; x++)
        {
            int left = (x * Geometry.Stride) - Geometry.Padding;
            int firstX = Math.Max(left, 0), endX = Math.Min(left + Geometry.KernelSize, map->InputWidth);
            float* target = map->Output + ((((long)y * map->OutputWidth) + x) * Channels);
            float* first = map->Input + ((((long)firstY * map->InputWidth) + firstX) * Channels);
            new Span<float>(first, Channels).CopyTo(new Span<float>(target, Channels));
            for (int inputY = firstY; inputY < endY; inputY++)
            {
                for (int inputX = firstX; inputX < endX; inputX++)
                    TakeLarger(map->Input + ((((long)inputY * map->InputWidth) + inputX) * Channels), target);
            }
        }
    }

    private readonly void TakeLarger(float* source, float* target)
    {
        int i = 0;
        for (; i <= Channels - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> a = Vector.Load(target + i), b = Vector.Load(source + i);
            Vector.Store(Vector.ConditionalSelect(Vector.LessThanOrEqual(b, a), a, b), target + i);
        }

        for (; i < Channels; i++) target[i] = source[i] <= target[i] ? target[i] : source[i];
    }
}

/// <summary>
/// Max pooling backward: each window's gradient goes to the first of its maximum values. Windows overlap, so each unit
/// is a range of channels of a whole map.
/// </summary>
internal unsafe struct MaxPoolingGradient : IParallelBody
{
    public const int UnitChannels = 16;

    public MapPair* Maps;
    public int Channels;
    public int UnitsPerMap;
    public PoolingGeometry Geometry;
    public bool Mask;

    public readonly void Run(int unit, int worker)
    {
        MapPair* map = Maps + (unit / UnitsPerMap);
        int channel = unit % UnitsPerMap * UnitChannels, count = Math.Min(UnitChannels, Channels - channel);
        long pixels = (long)map->InputHeight * map->InputWidth;
        for (long pixel = 0; pixel < pixels; pixel++) new Span<float>(map->InputGradient + (pixel * Channels) + channel, count).Clear();
        float* left = stackalloc float[UnitChannels];
        for (int y = 0; y < map->OutputHeight; y++)
        {
            for (int x = 0; x < map->OutputWidth; x++)
            {
                long at = ((((long)y * map->OutputWidth) + x) * Channels) + channel;
                for (int i = 0; i < count; i++) left[i] = Mask && !(map->Output[at + i] > 0) ? 0 : map->OutputGradient[at + i];
                Route(map, y, x, map->Output + at, left, channel, count);
            }
        }
    }

    // Gives the window's remaining gradient to each value that equals the maximum; nothing remains after the first.
    private readonly void Route(MapPair* map, int y, int x, float* largest, float* left, int channel, int count)
    {
        int top = (y * Geometry.Stride) - Geometry.Padding, start = (x * Geometry.Stride) - Geometry.Padding;
        int endY = Math.Min(top + Geometry.KernelSize, map->InputHeight), endX = Math.Min(start + Geometry.KernelSize, map->InputWidth);
        for (int inputY = Math.Max(top, 0); inputY < endY; inputY++)
        {
            for (int inputX = Math.Max(start, 0); inputX < endX; inputX++)
            {
                long at = ((((long)inputY * map->InputWidth) + inputX) * Channels) + channel;
                float* value = map->Input + at, gradient = map->InputGradient + at;
                int i = 0;
                for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
                {
                    Vector<float> rest = Vector.Load(left + i);
                    Vector<int> wins = Vector.Equals(Vector.Load(value + i), Vector.Load(largest + i));
                    Vector.Store(Vector.Load(gradient + i) + Vector.ConditionalSelect(wins, rest, Vector<float>.Zero), gradient + i);
                    Vector.Store(Vector.ConditionalSelect(wins, Vector<float>.Zero, rest), left + i);
                }

                for (; i < count; i++)
                {
                    if (value[i] != largest[i]) continue;
                    gradient[i] += left[i];
                    left[i] = 0;
                }
            }
        }
    }
}
