using System.Buffers.Binary;

namespace DeepLab.Imaging;

internal enum ImageFormat
{
    Jpeg,
    Png,
}

/// <summary>The color types of PNG (PNG specification, 11.2.2).</summary>
internal enum PngColor : byte
{
    Gray = 0,
    Rgb = 2,
    Palette = 3,
    GrayAlpha = 4,
    Rgba = 6,
}

/// <summary>What the first bytes of a JPEG or PNG file say about the image.</summary>
/// <param name="Format">The format, found by content.</param>
/// <param name="Height">Rows of pixels, as claimed: not checked against anything.</param>
/// <param name="Width">Pixels per row, as claimed.</param>
/// <param name="Channels">Samples per pixel in the file: a palette image has one.</param>
/// <param name="BitDepth">Bits per sample.</param>
/// <param name="Color">The color type of a PNG.</param>
internal readonly record struct ImageHeader(ImageFormat Format, int Height, int Width, int Channels, int BitDepth, PngColor Color)
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    /// <summary>Bits that a pixel takes in the file before compression.</summary>
    public int BitsPerPixel => Channels * BitDepth;

    /// <summary>Reads the header of a whole file, and checks what it claims.</summary>
    /// <param name="data">The file.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <exception cref="InvalidFileException">
    /// The file is no JPEG or PNG, ends or breaks in its header, or claims a size over <see cref="ImageLimits"/>.
    /// </exception>
    public static ImageHeader Read(ReadOnlySpan<byte> data, string name)
    {
        _ = TryRead(data, whole: true, name, out ImageHeader header);
        ImageLimits.Check(name, header, data.Length);
        return header;
    }

    /// <summary>Reads the header from the start of a file.</summary>
    /// <param name="data">The file, or as much of its beginning as has been read.</param>
    /// <param name="whole">Whether <paramref name="data"/> is the whole file.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="header">The header, if it was found.</param>
    /// <returns>False if more of the file is needed (never when it is whole).</returns>
    /// <exception cref="InvalidFileException">The file is no JPEG or PNG, or ends or breaks in its header.</exception>
    public static bool TryRead(ReadOnlySpan<byte> data, bool whole, string name, out ImageHeader header)
    {
        if (data.IsEmpty)
            throw new InvalidFileException(name, "the file is empty; a JPEG or PNG image was expected");
        bool complete = data.StartsWith(PngSignature) ? TryReadPng(data, name, out header)
            : data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? TryReadJpeg(data, name, out header)
            : throw new InvalidFileException(name, $"this is no JPEG or PNG image (it begins with {Convert.ToHexString(data[..Math.Min(8, data.Length)])}); convert it to one of them");
        if (!complete && whole)
            throw new InvalidFileException(name, $"truncated: the file ends in the image's header, after {data.Length} bytes");
        return complete;
    }

    private static bool TryReadPng(ReadOnlySpan<byte> data, string name, out ImageHeader header)
    {
        header = default;
        if (data.Length < 33) return false;
        if (!data.Slice(8, 8).SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R']))
            throw new InvalidFileException(name, "corrupted PNG: it does not begin with an IHDR chunk of 13 bytes");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(data[16..]), height = BinaryPrimitives.ReadUInt32BigEndian(data[20..]);
        if (width > int.MaxValue || height > int.MaxValue)
            throw new InvalidFileException(name, $"corrupted PNG: the header gives a size of {width}×{height} pixels");
        var color = (PngColor)data[25];
        int channels = color switch
        {
            PngColor.Gray or PngColor.Palette => 1,
            PngColor.GrayAlpha => 2,
            PngColor.Rgb => 3,
            PngColor.Rgba => 4,
            _ => throw new InvalidFileException(name, $"corrupted PNG: color type {data[25]} in the header; 0, 2, 3, 4 and 6 exist"),
        };
        if (data[24] is not (1 or 2 or 4 or 8 or 16))
            throw new InvalidFileException(name, $"corrupted PNG: {data[24]} bits per sample in the header; 1, 2, 4, 8 and 16 exist");
        header = new ImageHeader(ImageFormat.Png, (int)height, (int)width, channels, data[24], color);
        return true;
    }

    private static bool TryReadJpeg(ReadOnlySpan<byte> data, string name, out ImageHeader header)
    {
        header = default;
        var markers = new JpegMarkers(data);
        while (markers.MoveNext())
        {
            if (markers.IsFrame)
            {
                ReadOnlySpan<byte> frame = markers.Segment;
                if (frame.Length < 6) return markers.IsComplete ? throw new InvalidFileException(name, "corrupted JPEG: its frame header is too short") : false;
                header = new ImageHeader(
                    ImageFormat.Jpeg,
                    BinaryPrimitives.ReadUInt16BigEndian(frame[1..]),
                    BinaryPrimitives.ReadUInt16BigEndian(frame[3..]),
                    frame[5],
                    frame[0],
                    default);
                return true;
            }

            if (markers.Marker is JpegMarkers.EndOfImage or JpegMarkers.StartOfScan)
                throw new InvalidFileException(name, "corrupted JPEG: its pixel data begin, or the image ends, before the frame header that gives its size");
        }

        return false;
    }
}
