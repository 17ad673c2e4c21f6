namespace DeepLab.Visualization;

/// <summary>
/// Lines on the boundaries between labels: white on the side of the greater label and black on the other's, so that
/// they show on bright and on dark.
/// </summary>
internal static class Outlines
{
    /// <summary>Draws the lines.</summary>
    /// <param name="pixels">[height, width, 3], drawn on.</param>
    /// <param name="labels">[height, width].</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Pixels per row.</param>
    public static void Draw(Span<byte> pixels, ReadOnlySpan<byte> labels, int height, int width)
    {
        // A pixel on either side of small pictures; on large ones as much as still shows when they fill a screen.
        int thickness = Math.Max(1, (int)Math.Round(Math.Sqrt((double)height * width) / 800));

        // White comes last: it wins where a pixel lies on both sides of boundaries.
        foreach (bool greater in (ReadOnlySpan<bool>)[false, true])
        {
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<byte> row = labels.Slice(y * width, width);
                for (int x = row.CommonPrefixLength(row[1..]); x + 1 < width; x += 1 + row[(x + 1)..].CommonPrefixLength(row[(x + 2)..]))
                    Cross(pixels, labels, (y * width) + x, 1, x + 1, width - x - 1, thickness, greater);
                if (y + 1 == height) break;
                ReadOnlySpan<byte> below = labels.Slice((y + 1) * width, width);
                for (int x = row.CommonPrefixLength(below); x < width; x += 1 + row[(x + 1)..].CommonPrefixLength(below[(x + 1)..]))
                    Cross(pixels, labels, (y * width) + x, width, y + 1, height - y - 1, thickness, greater);
            }
        }
    }

    /// <summary>
    /// Paints one side of the boundary between a pixel and the next one, as far as that side's label goes on.
    /// </summary>
    /// <param name="pixels">[height, width, 3].</param>
    /// <param name="labels">[height, width].</param>
    /// <param name="at">The pixel before the boundary.</param>
    /// <param name="step">From it to the next one.</param>
    /// <param name="before">Pixels up to the boundary in this direction.</param>
    /// <param name="after">Pixels behind it.</param>
    /// <param name="thickness">The most pixels to paint.</param>
    /// <param name="greater">Which side.</param>
    private static void Cross(Span<byte> pixels, ReadOnlySpan<byte> labels, int at, int step, int before, int after, int thickness, bool greater)
    {
        bool first = labels[at] > labels[at + step] == greater;
        int count = Math.Min(thickness, first ? before : after), from = first ? at : at + step;
        byte label = labels[from], ink = greater ? (byte)255 : (byte)0;
        for (int i = 0; i < count && labels[from] == label; i++, from += first ? -step : step) pixels.Slice(3 * from, 3).Fill(ink);
    }
}
