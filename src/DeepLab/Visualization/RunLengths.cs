using System.Text;
using DeepLab.Imaging;

namespace DeepLab.Visualization;

/// <summary>One label's pixels as COCO has masks: run lengths down the columns, from the left.</summary>
/// <param name="Label">The label.</param>
/// <param name="Area">How many pixels have it, at least 1.</param>
/// <param name="Left">The first column that has it.</param>
/// <param name="Top">The first row that has it.</param>
/// <param name="Width">Columns from the first to the last that have it.</param>
/// <param name="Height">Rows from the first to the last that have it.</param>
/// <param name="Counts">
/// Lengths of runs of other pixels and of the label's in turn, other pixels first (0 if the first pixel has the label);
/// a pixel's place is column · height + row. They add up to the pixels of the map.
/// </param>
internal sealed record RunLengths(byte Label, long Area, int Left, int Top, int Width, int Height, IReadOnlyList<int> Counts)
{
    private const int BlockColumns = 64;

    /// <summary>The run lengths of every label that a map has, 255 among them, in the order of the labels.</summary>
    public static IReadOnlyList<RunLengths> Of(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var builders = new Builder?[256];
        int height = labels.Height, run = 0, position = 0;
        byte current = labels.Labels[0];

        // Columns lie far apart: some are turned into rows at a time.
        byte[] block = new byte[Math.Min(BlockColumns, labels.Width) * height];
        for (int left = 0; left < labels.Width; left += BlockColumns)
        {
            int columns = Math.Min(BlockColumns, labels.Width - left);
            Turn(labels, left, columns, block);
            for (int column = 0; column < columns; column++)
            {
                ReadOnlySpan<byte> pixels = block.AsSpan(column * height, height);
                for (int y = 0; y < height;)
                {
                    int different = pixels[y..].IndexOfAnyExcept(current);
                    int length = different < 0 ? height - y : different;
                    run += length;
                    y += length;
                    if (different < 0) break;
                    if (run > 0) End();
                    current = pixels[y];
                }
            }
        }

        End();
        return [.. builders.OfType<Builder>().Select(b => b.ToRunLengths(height, position))];

        void End()
        {
            (builders[current] ??= new Builder(current)).Add(position, run, height);
            position += run;
            run = 0;
        }
    }

    /// <summary>
    /// The counts as the text that COCO's files hold (<c>rleToString</c> of its mask API): from the fourth on the
    /// difference to the one before the last, five bits a character from the lowest, with the sign in the last one's
    /// highest bit, 32 added where more follow, and 48 to all.
    /// </summary>
    public string Compressed()
    {
        var text = new StringBuilder(Counts.Count * 2);
        for (int i = 0; i < Counts.Count; i++)
        {
            int value = i > 2 ? Counts[i] - Counts[i - 2] : Counts[i];
            bool more;
            do
            {
                int bits = value & 0x1F;
                value >>= 5;
                more = value != ((bits & 0x10) != 0 ? -1 : 0);
                text.Append((char)(48 + bits + (more ? 32 : 0)));
            }
            while (more);
        }

        return text.ToString();
    }

    private static void Turn(LabelMap labels, int left, int columns, byte[] block)
    {
        for (int y = 0; y < labels.Height; y++)
        {
            ReadOnlySpan<byte> row = labels.Labels.AsSpan((y * labels.Width) + left, columns);
            for (int x = 0; x < row.Length; x++) block[(x * labels.Height) + y] = row[x];
        }
    }

    private sealed class Builder(byte label)
    {
        private readonly List<int> _counts = [];
        private long _area;
        private int _end, _left = int.MaxValue, _right, _top = int.MaxValue, _bottom;

        public void Add(int position, int length, int height)
        {
            _counts.Add(position - _end);
            _counts.Add(length);
            _end = position + length;
            _area += length;
            int firstColumn = position / height, lastColumn = (_end - 1) / height;
            _left = Math.Min(_left, firstColumn);
            _right = lastColumn;

            // A run that goes on into the next column has its first row and its last.
            (int top, int bottom) = firstColumn == lastColumn ? (position % height, (_end - 1) % height) : (0, height - 1);
            _top = Math.Min(_top, top);
            _bottom = Math.Max(_bottom, bottom);
        }

        public RunLengths ToRunLengths(int height, int pixels)
        {
            if (pixels > _end) _counts.Add(pixels - _end);
            return new RunLengths(label, _area, _left, _top, _right - _left + 1, _bottom - _top + 1, _counts);
        }
    }
}
