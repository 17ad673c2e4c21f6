using System.Globalization;
using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Evaluation;

/// <summary>
/// The bands around the boundaries of a label image in which a trimap evaluation counts (Kohli, Ladický and Torr 2009;
/// DeepLab, arXiv:1606.00915). A pixel lies in the band of a width if its center is at most so many pixels from that of
/// a pixel with another label, void among them; so a band of 1 is the row of pixels on each side of a boundary. PASCAL
/// VOC draws void along every boundary, and the bands are then those of the paper, around void; void itself never
/// counts. Use from one thread at a time.
/// </summary>
public sealed class TrimapBands
{
    /// <summary>The widest band, in pixels.</summary>
    public const int LargestWidth = BoundaryDistances.MostReach;

    /// <summary>The most bands at once.</summary>
    internal const int MostWidths = 100;

    private readonly BoundaryDistances _distances = new();
    private readonly int[] _widths, _squares;
    private byte[] _bands = [];

    /// <summary>Creates the bands.</summary>
    /// <param name="widths">
    /// At least one and at most <see cref="MostWidths"/>, each 1 to <see cref="LargestWidth"/>, the narrowest first.
    /// </param>
    /// <exception cref="ArgumentException">The widths are not like that.</exception>
    public TrimapBands(IReadOnlyList<int> widths)
    {
        ArgumentNullException.ThrowIfNull(widths);
        _widths = [.. widths];
        if (_widths.Length is 0 or > MostWidths || _widths[0] < 1 || _widths[^1] > LargestWidth || _widths.Zip(_widths.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new ArgumentException($"expected 1 to {MostWidths} growing widths from 1 to {LargestWidth}", nameof(widths));
        _squares = [.. _widths.Select(w => w * w)];
    }

    /// <summary>The widths in pixels, the narrowest first.</summary>
    public IReadOnlyList<int> Widths => _widths;

    /// <summary>Reads widths as <c>1,2,5,10</c>, as the range <c>1-40</c>, or both: <c>1-5,10,20</c>.</summary>
    /// <returns>The widths, the narrowest first, each once.</returns>
    /// <exception cref="DeepLabException">The text is something else, or there are too many.</exception>
    public static IReadOnlyList<int> ParseWidths(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var widths = new SortedSet<int>();
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || Width(ends[0]) is not int first || Width(ends[^1]) is not int last || first > last)
                throw new DeepLabException($"{BoundedText.Quote(part)} is no width; expected whole numbers from 1 to {LargestWidth}, as in 1,2,5,10,20,40 or 1-40");
            widths.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return widths.Count <= MostWidths ? [.. widths] : throw new DeepLabException($"{BoundedText.Quote(text)} are {widths.Count} widths; at most {MostWidths} are measured at once");
    }

    /// <summary>The narrowest band of every pixel.</summary>
    /// <param name="labels">The ground truth, 255 for void.</param>
    /// <returns>
    /// [height, width], an index into <see cref="Widths"/>, and their count for pixels in no band; valid until the next
    /// call.
    /// </returns>
    public ReadOnlySpan<byte> Of(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ReadOnlySpan<int> squared = _distances.Squared(labels, _widths[^1]);
        if (_bands.Length < squared.Length) _bands = new byte[squared.Length];
        Span<byte> bands = _bands.AsSpan(0, squared.Length);
        for (int i = 0; i < squared.Length; i++)
        {
            int place = squared[i] == BoundaryDistances.Far ? _squares.Length : Array.BinarySearch(_squares, squared[i]);
            bands[i] = (byte)(place < 0 ? ~place : place);
        }

        return bands;
    }

    private static int? Width(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int width) && width is >= 1 and <= LargestWidth ? width : null;
}
