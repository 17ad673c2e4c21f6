using DeepLab.Imaging;

namespace DeepLab.Reports;

/// <summary>Pictures small enough for a page, as data URIs.</summary>
/// <param name="Source">The data URI.</param>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
internal sealed record Thumbnail(string Source, int Width, int Height)
{
    /// <summary>The longest side, in pixels.</summary>
    public const int LongestSide = 480;

    private const int JpegQuality = 82;

    /// <summary>A photograph as JPEG, each pixel the mean of those that it stands for.</summary>
    public static Thumbnail Of(RgbImage image)
    {
        RgbImage small = image.ReducedTo(LongestSide);
        return new Thumbnail(Uri("jpeg", JpegCodec.Encode(small.Pixels, small.Height, small.Width, JpegQuality)), small.Width, small.Height);
    }

    /// <summary>Labels as PNG in the palette's colors.</summary>
    public static Thumbnail Of(LabelMap labels, Palette palette)
    {
        LabelMap small = labels.ReducedTo(LongestSide);
        return new Thumbnail(Uri("png", small.EncodePng(palette)), small.Width, small.Height);
    }

    private static string Uri(string kind, byte[] data) => $"data:image/{kind};base64,{Convert.ToBase64String(data)}";
}
