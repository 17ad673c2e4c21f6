using DeepLab.Imaging;

namespace DeepLab.Evaluation;

/// <summary>
/// How far every pixel is from the nearest pixel with another label, by the Euclidean distance of their centers, in a
/// time that is linear in the pixels (Meijster, Roerdink and Hesselink, 2000, on every run of equal labels by itself:
/// what lies beyond the ends of a run is further away than its ends). The memory is kept from map to map.
/// </summary>
internal sealed class BoundaryDistances
{
    /// <summary>The squared distance of pixels that are further from any other label than was asked.</summary>
    public const int Far = int.MaxValue;

    /// <summary>The furthest that can be asked for, in pixels.</summary>
    public const int MostReach = 1000;

    private int[] _columns = [], _squared = [], _sites = [], _starts = [];

    /// <summary>
    /// The squared distances, 1 for a pixel beside another label; <see cref="Far"/> for those over the reach.
    /// </summary>
    /// <param name="labels">The labels; 255 is one like any other.</param>
    /// <param name="reach">1 to <see cref="MostReach"/>.</param>
    /// <returns>[height, width]; valid until the next call.</returns>
    public ReadOnlySpan<int> Squared(LabelMap labels, int reach)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(reach);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reach, MostReach);
        int pixels = labels.Labels.Length, width = labels.Width;
        if (_columns.Length < pixels) (_columns, _squared) = (new int[pixels], new int[pixels]);
        if (_sites.Length < width + 2) (_sites, _starts) = (new int[width + 2], new int[width + 2]);
        MeasureColumns(labels, reach);
        for (int y = 0; y < labels.Height; y++)
        {
            ReadOnlySpan<byte> row = labels.Labels.AsSpan(y * width, width);
            for (int first = 0, end; first < width; first = end)
            {
                int run = row[first..].IndexOfAnyExcept(row[first]);
                end = run < 0 ? width : first + run;
                MeasureRun(_columns.AsSpan(y * width, width), first, end, reach, _squared.AsSpan(y * width, width));
            }
        }

        return _squared.AsSpan(0, pixels);
    }

    /// <summary>
    /// The distance to the nearest other label up or down the column; the reach and one where it is further.
    /// </summary>
    private void MeasureColumns(LabelMap labels, int reach)
    {
        int width = labels.Width, pixels = labels.Labels.Length;
        ReadOnlySpan<byte> values = labels.Labels;
        Span<int> columns = _columns.AsSpan(0, pixels);
        columns[..width].Fill(reach + 1);
        for (int i = width; i < pixels; i++)
            columns[i] = values[i] == values[i - width] ? Math.Min(columns[i - width], reach) + 1 : 1;
        for (int i = pixels - width - 1; i >= 0; i--)
            columns[i] = Math.Min(columns[i], values[i] == values[i + width] ? columns[i + width] + 1 : 1);
    }

    /// <summary>
    /// The lower envelope of the parabolas (x − site)² + column², whose sites are the run's own columns and, with
    /// column 0, the other labels at its two ends.
    /// </summary>
    private void MeasureRun(ReadOnlySpan<int> columns, int first, int end, int reach, Span<int> squared)
    {
        int top = -1;
        for (int site = first - 1; site <= end; site++)
        {
            bool outside = site < first || site == end;
            if (outside ? site < 0 || site == columns.Length : columns[site] > reach) continue;
            long height = outside ? 0 : Square(columns[site]);
            while (top >= 0 && Square(_starts[top] - _sites[top]) + Height(columns, _sites[top], first, end) > Square(_starts[top] - site) + height) top--;
            int start = first;
            if (top >= 0)
            {
                int before = _sites[top];
                long cut = (Square(site) - Square(before) + height - Height(columns, before, first, end)) / (2L * (site - before));
                if (cut + 1 >= end) continue;
                start = (int)cut + 1;
            }

            top++;
            (_sites[top], _starts[top]) = (site, start);
        }

        if (top < 0)
        {
            squared[first..end].Fill(Far);
            return;
        }

        long limit = Square(reach);
        for (int x = end - 1; x >= first; x--)
        {
            long distance = Square(x - _sites[top]) + Height(columns, _sites[top], first, end);
            squared[x] = distance <= limit ? (int)distance : Far;
            if (x == _starts[top]) top--;
        }
    }

    private static long Height(ReadOnlySpan<int> columns, int site, int first, int end) => site < first || site == end ? 0 : Square(columns[site]);

    private static long Square(long value) => value * value;
}
