using DeepLab.Imaging;

namespace DeepLab.Visualization;

/// <summary>Cuts the pixels of some classes out of a photograph: a PNG with alpha, transparent elsewhere.</summary>
public static class Cutout
{
    /// <summary>
    /// The PNG file, 8 bits per channel: the image's color with alpha 255 where the label is among
    /// <paramref name="classes"/>, elsewhere 0 in all four.
    /// </summary>
    /// <param name="image">[height, width, 3].</param>
    /// <param name="labels">[height, width].</param>
    /// <param name="classes">The labels to keep, 0 to 255.</param>
    /// <exception cref="ArgumentException">Image and labels differ in size.</exception>
    /// <exception cref="DeepLabException">libspng is not installed.</exception>
    public static byte[] Encode(RgbImage image, LabelMap labels, IEnumerable<int> classes)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classes);
        labels.RequireSizeOf(image, nameof(labels));
        bool[] kept = new bool[256];
        foreach (int label in classes) kept[label] = true;
        byte[] pixels = new byte[4 * labels.Labels.Length];
        for (int i = 0; i < labels.Labels.Length; i++)
        {
            if (!kept[labels.Labels[i]]) continue;
            image.Pixels.AsSpan(3 * i, 3).CopyTo(pixels.AsSpan(4 * i));
            pixels[(4 * i) + 3] = 255;
        }

        return PngCodec.EncodeRgba(pixels, image.Height, image.Width);
    }
}
