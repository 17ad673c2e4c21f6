namespace DeepLab.Imaging;

/// <summary>Shows labels on top of the image they belong to.</summary>
public static class Overlay
{
    private const byte Background = 0, Ignored = 255;

    /// <summary>Mixes each pixel with its label's colour: (1 − opacity)·image + opacity·colour, rounded.</summary>
    /// <param name="image">[height, width, 3]; not changed.</param>
    /// <param name="labels">[height, width]; pixels of label 255 are left as they are.</param>
    /// <param name="palette">The labels' colours.</param>
    /// <param name="opacity">0 (the image alone) to 1 (the colours alone).</param>
    /// <param name="paintBackground">Whether pixels of label 0 are mixed too; left as they are by default.</param>
    /// <exception cref="ArgumentException">Image and labels differ in size.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="opacity"/> is outside 0 to 1.</exception>
    public static RgbImage Blend(RgbImage image, LabelMap labels, Palette palette, double opacity = 0.5, bool paintBackground = false)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(palette);
        if (opacity is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(opacity), opacity, "expected a number from 0 to 1");
        if ((image.Height, image.Width) != (labels.Height, labels.Width))
            throw new ArgumentException($"labels of {labels.Width}×{labels.Height} pixels for an image of {image.Width}×{image.Height}", nameof(labels));

        byte[] blended = (byte[])image.Pixels.Clone();
        for (int i = 0; i < labels.Labels.Length; i++)
        {
            byte label = labels.Labels[i];
            if (label == Ignored || (label == Background && !paintBackground)) continue;
            (byte r, byte g, byte b) = palette[label];
            Span<byte> pixel = blended.AsSpan(3 * i, 3);
            (pixel[0], pixel[1], pixel[2]) = (Mix(pixel[0], r, opacity), Mix(pixel[1], g, opacity), Mix(pixel[2], b, opacity));
        }

        return new RgbImage(image.Height, image.Width, blended);
    }

    /// <summary>Two images of one height next to each other.</summary>
    /// <exception cref="ArgumentException">Their heights differ.</exception>
    public static RgbImage SideBySide(RgbImage left, RgbImage right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        if (left.Height != right.Height)
            throw new ArgumentException($"an image {right.Height} pixels high cannot stand beside one of {left.Height}", nameof(right));
        var both = new RgbImage(left.Height, left.Width + right.Width);
        for (int y = 0; y < both.Height; y++)
        {
            Span<byte> row = both.Pixels.AsSpan(y * both.Width * 3, both.Width * 3);
            left.Pixels.AsSpan(y * left.Width * 3, left.Width * 3).CopyTo(row);
            right.Pixels.AsSpan(y * right.Width * 3, right.Width * 3).CopyTo(row[(left.Width * 3)..]);
        }

        return both;
    }

    private static byte Mix(byte under, byte over, double opacity) => (byte)(((1 - opacity) * under) + (opacity * over) + 0.5);
}
