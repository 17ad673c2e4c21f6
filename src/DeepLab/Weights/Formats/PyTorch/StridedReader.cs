using DeepLab.IO;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Reads views: elements that lie in the file at a distance of their own along each side. The file is read forward, in
/// the order in which elements lie there, through a small window, and elements are put where they belong; so a
/// transposed tensor takes no more memory than any other.
/// </summary>
internal static class StridedReader
{
    private const int WindowLength = 1 << 14;

    // Reading this many elements to get one is still faster than fetching that one alone.
    private const int MaximumWaste = 64;

    /// <summary>A side: how many, how far apart in the file, how far apart in the target.</summary>
    private readonly record struct Side(long Count, long Stride, long Step);

    /// <summary>Reads a view as singles.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="type">F32, F64, F16 or BF16.</param>
    /// <param name="offset">Where the view's first element lies. The caller has checked that all lie in the
    /// file.</param>
    /// <param name="sizes">The sides, the slowest first.</param>
    /// <param name="strides">The distance of elements along each side, in elements, not negative.</param>
    /// <param name="target">Takes the elements, the last side's fastest.</param>
    public static void ReadSingle(FileBytes bytes, TensorType type, long offset, ReadOnlySpan<long> sizes, ReadOnlySpan<long> strides, Span<float> target)
    {
        if (target.Length == 0) return;
        Side[] sides = InOrderOfFile(sizes, strides);
        if (IsInOrder(sides))
        {
            bytes.ReadSingle(type, offset, target);
            return;
        }

        var window = new Window(bytes, type, offset, target, new float[Math.Min(WindowLength, Extent(sides, 0))]);
        Copy(ref window, sides, DenseFrom(sides), 0, 0, 0);
    }

    /// <summary>Whether a view's elements lie one after another, the last side's fastest.</summary>
    public static bool IsInOrder(ReadOnlySpan<long> sizes, ReadOnlySpan<long> strides) => IsInOrder(InOrderOfFile(sizes, strides));

    private static bool IsInOrder(Side[] sides) => sides is [] or [{ Stride: 1, Step: 1 }];

    /// <summary>
    /// The sides with the farthest apart first; sides of one element are left out, and sides that continue each other
    /// are merged.
    /// </summary>
    private static Side[] InOrderOfFile(ReadOnlySpan<long> sizes, ReadOnlySpan<long> strides)
    {
        var sides = new List<Side>();
        long step = 1;
        for (int i = sizes.Length - 1; i >= 0; i--)
        {
            if (sizes[i] != 1) sides.Add(new Side(sizes[i], strides[i], step));
            step *= sizes[i];
        }

        var merged = new List<Side>();
        foreach (Side side in sides.OrderByDescending(s => s.Stride).ThenByDescending(s => s.Step))
        {
            if (merged.Count > 0 && merged[^1] is var outer && outer.Stride == side.Stride * side.Count && outer.Step == side.Step * side.Count)
                merged[^1] = side with { Count = outer.Count * side.Count };
            else
                merged.Add(side);
        }

        return [.. merged];
    }

    /// <summary>The first side from which on elements lie close enough together to read all between them.</summary>
    private static int DenseFrom(ReadOnlySpan<Side> sides)
    {
        int first = sides.Length;
        long count = 1;
        while (first > 0 && Extent(sides, first - 1) <= MaximumWaste * (count *= sides[first - 1].Count)) first--;
        return first;
    }

    /// <summary>
    /// From the first to the last element of the sides from <paramref name="first"/> on, in elements.
    /// </summary>
    private static long Extent(ReadOnlySpan<Side> sides, int first)
    {
        long extent = 1;
        foreach (Side side in sides[first..])
            extent += (side.Count - 1) * side.Stride;
        return extent;
    }

    private static void Copy(ref Window window, ReadOnlySpan<Side> sides, int denseFrom, int level, long position, long target)
    {
        if (level == denseFrom) window.End = position + Extent(sides, level);
        Side side = sides[level];
        if (level == sides.Length - 1)
        {
            window.CopyRun(position, target, side);
            return;
        }

        for (long i = 0; i < side.Count; i++)
            Copy(ref window, sides, denseFrom, level + 1, position + (i * side.Stride), target + (i * side.Step));
    }

    /// <summary>
    /// Elements of the file that are at hand. Positions are counted in elements from the view's first.
    /// </summary>
    private ref struct Window(FileBytes bytes, TensorType type, long offset, Span<float> target, float[] buffer)
    {
        private readonly Span<float> _target = target;
        private long _start;
        private int _length;

        /// <summary>Where reading ahead ends; at or before a position, its element is read alone.</summary>
        public long End { get; set; }

        public void CopyRun(long position, long target, Side side)
        {
            long left = side.Count;
            while (left > 0)
            {
                if (position < _start || position >= _start + _length) Fill(position);
                long count = side.Stride == 0 ? left : Math.Min(left, ((_start + _length - 1 - position) / side.Stride) + 1);
                long from = position - _start;
                for (long i = 0; i < count; i++)
                    _target[(int)(target + (i * side.Step))] = buffer[from + (i * side.Stride)];
                position += count * side.Stride;
                target += count * side.Step;
                left -= count;
            }
        }

        private void Fill(long position)
        {
            _length = (int)Math.Clamp(End - position, 1, buffer.Length);
            bytes.ReadSingle(type, offset + (position * type.Size()), buffer.AsSpan(0, _length));
            _start = position;
        }
    }
}
