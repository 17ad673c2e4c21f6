namespace DeepLab.Imaging;

/// <summary>
/// What an image may claim before memory is set aside for it. Image files come from strangers: the size in a header
/// is checked against these limits, and against the file's own length, before anything is allocated.
/// </summary>
internal static class ImageLimits
{
    /// <summary>
    /// The most pixels an image may have, as in Pillow (a larger one is taken for a decompression bomb).
    /// </summary>
    public const int MaxPixels = 178_956_970;

    /// <summary>The longest side an image may have, in pixels.</summary>
    public const int MaxSide = 65_535;

    /// <summary>The longest image file that is read, in bytes.</summary>
    public const int MaxFileBytes = 1 << 30;

    /// <summary>
    /// The most pixels a byte of a JPEG file can stand for: a Huffman-coded image takes at least one bit for each
    /// block of 8×8 pixels. (Only an arithmetic-coded image of one flat color could hold more; it is refused.)
    /// </summary>
    public const int MaxJpegPixelsPerByte = 8 * 8 * 8;

    /// <summary>The most decoded bytes a byte of a PNG file can stand for: deflate reaches 1032, rounded up.</summary>
    public const int MaxPngExpansion = 1040;

    /// <summary>Throws if the size is over the limits, or over what a file of that length can hold.</summary>
    internal static void Check(string name, in ImageHeader header, long fileBytes)
    {
        if (header.Height <= 0 || header.Width <= 0)
            throw new InvalidFileException(name, $"the header gives a size of {header.Width}×{header.Height} pixels; both sides must be positive");
        long pixels = (long)header.Height * header.Width;
        if (header.Height > MaxSide || header.Width > MaxSide || pixels > MaxPixels)
        {
            throw new InvalidFileException(name, $"the header gives a size of {header.Width}×{header.Height} pixels; "
                + $"at most {MaxSide} a side and {MaxPixels} in all are read");
        }

        bool possible = header.Format == ImageFormat.Jpeg
            ? pixels <= fileBytes * MaxJpegPixelsPerByte
            : pixels * header.BitsPerPixel / 8 <= fileBytes * MaxPngExpansion;
        if (!possible)
        {
            throw new InvalidFileException(name, $"the header gives a size of {header.Width}×{header.Height} pixels, "
                + $"more than a file of {fileBytes} bytes can hold; it is truncated or corrupted");
        }
    }
}
