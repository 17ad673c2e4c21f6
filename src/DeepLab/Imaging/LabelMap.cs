using DeepLab.IO;

namespace DeepLab.Imaging;

/// <summary>
/// A label image: the class of each pixel, one byte each, [height, width], rows from the top; 255 usually means "not
/// labelled".
/// </summary>
public sealed class LabelMap
{
    /// <summary>The label of pixels that do not count.</summary>
    public const byte IgnoreLabel = 255;

    /// <summary>Creates a map of label 0.</summary>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A side is not positive, or the map has more than <see cref="ImageLimits.MaxPixels"/>.
    /// </exception>
    public LabelMap(int height, int width)
        : this(height, width, new byte[RgbImage.PixelCount(height, width)])
    {
    }

    /// <summary>Wraps labels without copying them.</summary>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <param name="labels">[height, width].</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A side is not positive, or the map has more than <see cref="ImageLimits.MaxPixels"/>.
    /// </exception>
    /// <exception cref="ArgumentException"><paramref name="labels"/> has another length than height·width.</exception>
    public LabelMap(int height, int width, byte[] labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        int expected = RgbImage.PixelCount(height, width);
        if (labels.Length != expected)
            throw new ArgumentException($"{labels.Length} labels for a map of {height}×{width}; {expected} were expected", nameof(labels));
        (Height, Width, Labels) = (height, width, labels);
    }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>[height, width].</summary>
    public byte[] Labels { get; }

    /// <summary>
    /// Reads labels by index from a gray or palette PNG of 1, 2, 4 or 8 bits: the palette's indices or the gray
    /// values as they stand in the file, never spread over 0–255.
    /// </summary>
    /// <exception cref="InvalidFileException">The file cannot be read, is no PNG (JPEG changes values), holds colors
    /// or 16 bits instead of indices, is truncated or corrupted, or claims a size over
    /// <see cref="ImageLimits"/>.</exception>
    /// <exception cref="DeepLabException">libspng is not installed.</exception>
    public static LabelMap Load(string path) => Decode(ImageFile.ReadAll(path), path);

    /// <summary>Decodes a PNG file held in memory, as <see cref="Load"/> does.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="InvalidFileException">As for <see cref="Load"/>.</exception>
    public static LabelMap Decode(ReadOnlySpan<byte> data, string name)
    {
        ImageHeader header = ReadHeader(data, name);
        string? problem = header.Color switch
        {
            PngColor.Rgb or PngColor.Rgba => "its labels are colors, not class indices",
            PngColor.GrayAlpha => "a gray image with an alpha channel; label images are 8-bit gray or palette PNGs: save it without alpha",
            _ when header.BitDepth == 16 => "a gray image of 16 bits; label images are 8-bit gray or palette PNGs, with labels from 0 to 255",
            _ => null,
        };
        if (problem is not null)
            throw new InvalidFileException(name, problem) { Remedy = header.Color is PngColor.Rgb or PngColor.Rgba ? new Remedy(RemedyKind.LabelColors) : null };
        return new LabelMap(header.Height, header.Width, PngCodec.DecodeSamples(data, header, name));
    }

    /// <summary>
    /// Writes the labels atomically as an 8-bit palette PNG: indices stay, <paramref name="palette"/> is what a viewer
    /// shows.
    /// </summary>
    /// <exception cref="DeepLabException">The name does not end in .png, or the file cannot be written.</exception>
    public void Save(string path, Palette palette)
    {
        ArgumentNullException.ThrowIfNull(palette);
        if (!Path.GetExtension(path).Equals(".png", StringComparison.OrdinalIgnoreCase))
            throw new DeepLabException($"{path}: labels are written as PNG only; name it .png");
        AtomicFile.WriteAllBytes(path, EncodePng(palette));
    }

    /// <summary>The labels as the bytes of an 8-bit palette PNG, as <see cref="Save"/> writes them.</summary>
    /// <exception cref="DeepLabException">libspng is not installed.</exception>
    public byte[] EncodePng(Palette palette)
    {
        ArgumentNullException.ThrowIfNull(palette);
        return PngCodec.EncodePalette(Labels, Height, Width, palette);
    }

    /// <summary>
    /// The header of a label image: a PNG of any kind whose size is within <see cref="ImageLimits"/>.
    /// </summary>
    /// <exception cref="InvalidFileException">It is no such file.</exception>
    internal static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        ImageHeader header = ImageHeader.Read(data, name);
        return header.Format == ImageFormat.Png
            ? header
            : throw new InvalidFileException(name, "labels cannot be read from a JPEG, which changes pixel values; save label images as PNG from their source");
    }

    /// <summary>Refuses to go with an image of another size.</summary>
    /// <exception cref="ArgumentException">The image has another size.</exception>
    internal void RequireSizeOf(RgbImage image, string parameter)
    {
        if ((image.Height, image.Width) != (Height, Width))
            throw new ArgumentException($"labels of {Width}×{Height} pixels for an image of {image.Width}×{image.Height}", parameter);
    }

    /// <summary>
    /// The labels of an image that is reduced as <see cref="RgbImage.ReducedTo"/> does, each the nearest; the same map
    /// if it is no longer than that.
    /// </summary>
    internal LabelMap ReducedTo(int maxSide)
    {
        (int height, int width) = AreaReduction.Fit(Height, Width, maxSide);
        return (height, width) == (Height, Width) ? this : ResizedTo(height, width);
    }

    /// <summary>The map at another size, each label that of the pixel that its center lies in.</summary>
    internal LabelMap ResizedTo(int height, int width)
    {
        var resized = new LabelMap(height, width);
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = Labels.AsSpan(SamplePosition.Nearest(y, Height, height) * Width, Width);
            Span<byte> to = resized.Labels.AsSpan(y * width, width);
            for (int x = 0; x < width; x++) to[x] = from[SamplePosition.Nearest(x, Width, width)];
        }

        return resized;
    }
}
