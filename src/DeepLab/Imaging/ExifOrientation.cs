using System.Buffers.Binary;

namespace DeepLab.Imaging;

/// <summary>
/// How a camera was held: the tag Orientation (0x0112) of a JPEG file's EXIF segment (Exif 2.3, 4.6.4), 1 to 8.
/// Programs that show photographs turn them by it.
/// </summary>
internal static class ExifOrientation
{
    /// <summary>The pixels are stored as they are to be shown.</summary>
    public const int Upright = 1;

    private const byte App1 = 0xE1;
    private const ushort OrientationTag = 0x0112, ShortType = 3, TiffMark = 42;
    private const int EntryBytes = 12;

    private static ReadOnlySpan<byte> Identifier => "Exif\0\0"u8;

    /// <summary>
    /// The orientation that the first EXIF segment gives; 1 if there is none, or it is damaged: EXIF is a hint, and a
    /// photograph with a broken one still has its pixels. Reads the segments before the pixels, and of EXIF the first
    /// directory's entries, each once.
    /// </summary>
    /// <param name="data">A JPEG file.</param>
    public static int Read(ReadOnlySpan<byte> data)
    {
        var markers = new JpegMarkers(data);
        while (markers.MoveNext() && markers.Marker is not (JpegMarkers.StartOfScan or JpegMarkers.EndOfImage))
        {
            if (markers.Marker == App1 && markers.IsComplete && markers.Segment.StartsWith(Identifier)) return ReadTiff(markers.Segment[Identifier.Length..]);
        }

        return Upright;
    }

    /// <summary>The image as it is to be shown.</summary>
    /// <param name="image">The pixels as they are stored.</param>
    /// <param name="orientation">
    /// 1 to 8: where the first row and the first column of the stored pixels belong, in Exif's numbering.
    /// </param>
    /// <returns>
    /// The same image where nothing is to be done, else a new one; from 5 on its height is the other's width.
    /// </returns>
    public static RgbImage Apply(RgbImage image, int orientation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(orientation, Upright);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(orientation, 8);
        if (orientation == Upright) return image;
        bool transposed = orientation >= 5;
        var shown = new RgbImage(transposed ? image.Width : image.Height, transposed ? image.Height : image.Width);

        // Going along a row of what is shown, then down its column, steps through the stored pixels by these distances.
        (bool fromRight, bool fromBottom) = orientation switch
        {
            2 => (true, false),
            3 => (true, true),
            4 => (false, true),
            6 => (false, true),
            7 => (true, true),
            8 => (true, false),
            _ => (false, false), // 5 is the plain transpose
        };
        int column = fromRight ? -3 : 3, row = fromBottom ? -3 * image.Width : 3 * image.Width;
        int start = (fromRight ? 3 * (image.Width - 1) : 0) + (fromBottom ? 3 * image.Width * (image.Height - 1) : 0);
        (int along, int down) = transposed ? (row, column) : (column, row);
        ReadOnlySpan<byte> stored = image.Pixels;
        Span<byte> target = shown.Pixels;
        for (int y = 0, to = 0; y < shown.Height; y++)
        {
            for (int x = 0, from = start + (y * down); x < shown.Width; x++, from += along, to += 3)
                (target[to], target[to + 1], target[to + 2]) = (stored[from], stored[from + 1], stored[from + 2]);
        }

        return shown;
    }

    private static int ReadTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8) return Upright;
        bool little = tiff[0] == 'I';
        if (!tiff.StartsWith(little ? "II"u8 : "MM"u8) || Short(tiff[2..], little) != TiffMark) return Upright;
        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2) return Upright;
        ReadOnlySpan<byte> entries = tiff[(int)directory..];
        int count = Math.Min(Short(entries, little), (entries.Length - 2) / EntryBytes);
        for (int i = 0; i < count; i++)
        {
            // An entry: tag, type, the number of values, then the value itself where it fits into four bytes.
            ReadOnlySpan<byte> entry = entries.Slice(2 + (i * EntryBytes), EntryBytes);
            if (Short(entry, little) != OrientationTag) continue;
            int value = Short(entry[8..], little);
            return Short(entry[2..], little) == ShortType && value is >= Upright and <= 8 ? value : Upright;
        }

        return Upright;
    }

    private static ushort Short(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);
}
