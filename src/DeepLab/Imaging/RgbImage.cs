using DeepLab.IO;

namespace DeepLab.Imaging;

/// <summary>An image of 8-bit red, green and blue, interleaved: [height, width, 3], rows from the top.</summary>
public sealed class RgbImage
{
    /// <summary>The longest side that an image may have, in pixels.</summary>
    public const int MaxSide = ImageLimits.MaxSide;

    private const int JpegQuality = 95;

    /// <summary>Creates a black image.</summary>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A side is not positive, or the image has more than <see cref="ImageLimits.MaxPixels"/>.
    /// </exception>
    public RgbImage(int height, int width)
        : this(height, width, new byte[PixelCount(height, width) * 3])
    {
    }

    /// <summary>Wraps pixels without copying them.</summary>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <param name="pixels">[height, width, 3].</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A side is not positive, or the image has more than <see cref="ImageLimits.MaxPixels"/>.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="pixels"/> has another length than height·width·3.
    /// </exception>
    public RgbImage(int height, int width, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        int expected = PixelCount(height, width) * 3;
        if (pixels.Length != expected)
            throw new ArgumentException($"{pixels.Length} bytes for an image of {height}×{width}×3; {expected} were expected", nameof(pixels));
        (Height, Width, Pixels) = (height, width, pixels);
    }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>[height, width, 3]: red, green, blue.</summary>
    public byte[] Pixels { get; }

    /// <summary>
    /// Reads a JPEG or PNG file, told apart by content. JPEG: gray and RGB, pixels as libjpeg-turbo gives them. PNG:
    /// gray, RGB and palette of every bit depth, interlaced too; of 16 bits the high byte is kept; alpha is dropped,
    /// so that a transparent pixel has the color stored for it. An orientation given in EXIF is not applied, since
    /// label images are drawn for the pixels as they are stored; <see cref="LoadUpright(string)"/> applies it.
    /// </summary>
    /// <exception cref="InvalidFileException">It cannot be read, is no JPEG or PNG, is a CMYK JPEG, is truncated or
    /// corrupted, or claims a size over <see cref="ImageLimits"/>.</exception>
    /// <exception cref="DeepLabException">libjpeg-turbo or libspng is not installed.</exception>
    public static RgbImage Load(string path) => Decode(ImageFile.ReadAll(path), path);

    /// <summary>
    /// Reads a photograph as it is to be shown: as <see cref="Load"/> does, then turned or mirrored by the orientation
    /// that a JPEG's EXIF gives. (Datasets are read by <see cref="Load"/>.)
    /// </summary>
    /// <exception cref="InvalidFileException">As for <see cref="Load"/>; faults in EXIF itself are ignored.</exception>
    /// <exception cref="DeepLabException">libjpeg-turbo or libspng is not installed.</exception>
    public static RgbImage LoadUpright(string path) => DecodeUpright(ImageFile.ReadAll(path), path);

    /// <summary>
    /// Reads a photograph from a stream to its end, as <see cref="LoadUpright(string)"/> does; at most
    /// <see cref="ImageLimits.MaxFileBytes"/>.
    /// </summary>
    /// <param name="stream">The file; it need not be seekable, and stays open.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="InvalidFileException">As for <see cref="Load"/>.</exception>
    /// <exception cref="DeepLabException">libjpeg-turbo or libspng is not installed.</exception>
    public static RgbImage LoadUpright(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return DecodeUpright(ImageFile.ReadAll(stream, name), name);
    }

    /// <summary>Decodes a JPEG or PNG file held in memory, as <see cref="Load"/> does.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="InvalidFileException">As for <see cref="Load"/>.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> data, string name) => DecodePixels(data, ImageHeader.Read(data, name), name);

    /// <summary>Decodes a JPEG or PNG file held in memory, as <see cref="LoadUpright(string)"/> does.</summary>
    /// <inheritdoc cref="Decode"/>
    public static RgbImage DecodeUpright(ReadOnlySpan<byte> data, string name)
    {
        ImageHeader header = ImageHeader.Read(data, name);
        RgbImage stored = DecodePixels(data, header, name);
        return ExifOrientation.Apply(stored, header.Format == ImageFormat.Jpeg ? ExifOrientation.Read(data) : ExifOrientation.Upright);
    }

    /// <summary>Reads an image's size from its header alone; the pixels may still turn out to be damaged.</summary>
    /// <exception cref="InvalidFileException">
    /// The file cannot be read, is no JPEG or PNG, or claims a size over <see cref="ImageLimits"/>.
    /// </exception>
    public static (int Height, int Width) ReadSize(string path)
    {
        ImageHeader header = ImageFile.ReadHeader(path);
        return (header.Height, header.Width);
    }

    /// <summary>
    /// The image with its longer side reduced to <paramref name="maxSide"/>, every pixel the mean of the area it
    /// covers; the same image if it is no longer than that.
    /// </summary>
    /// <param name="maxSide">The longest side allowed, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxSide"/> is not positive.</exception>
    public RgbImage ReducedTo(int maxSide)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSide);
        (int height, int width) = AreaReduction.Fit(Height, Width, maxSide);
        return (height, width) == (Height, Width) ? this : AreaReduction.Reduce(this, height, width);
    }

    /// <summary>
    /// Writes the image atomically: as JPEG (quality 95, color at full resolution) if <paramref name="path"/> ends
    /// in .jpg or .jpeg, as PNG if in .png.
    /// </summary>
    /// <exception cref="DeepLabException">The name ends otherwise, or the file cannot be written.</exception>
    public void Save(string path)
    {
        byte[] data = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".jpg" or ".jpeg" => JpegCodec.Encode(Pixels, Height, Width, JpegQuality),
            ".png" => PngCodec.EncodeRgb(Pixels, Height, Width),
            string other => throw new DeepLabException($"{path}: cannot write an image as '{other}'; name it .png, .jpg or .jpeg"),
        };
        AtomicFile.WriteAllBytes(path, data);
    }

    /// <summary>Paints a rectangle, as much of it as lies in the image.</summary>
    internal void Fill(int left, int top, int width, int height, (byte R, byte G, byte B) color)
    {
        int right = Math.Min(left + width, Width), bottom = Math.Min(top + height, Height);
        for (int y = Math.Max(top, 0); y < bottom; y++)
        {
            for (int x = Math.Max(left, 0); x < right; x++)
            {
                Span<byte> pixel = Pixels.AsSpan(3 * ((y * Width) + x), 3);
                (pixel[0], pixel[1], pixel[2]) = color;
            }
        }
    }

    private static RgbImage DecodePixels(ReadOnlySpan<byte> data, in ImageHeader header, string name) => new(
        header.Height,
        header.Width,
        header.Format == ImageFormat.Jpeg ? JpegCodec.Decode(data, header, name) : PngCodec.DecodeRgb(data, header, name));

    /// <summary>height·width, checked; times 3 it still fits an array.</summary>
    internal static int PixelCount(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)height * width, ImageLimits.MaxPixels);
        return height * width;
    }
}
