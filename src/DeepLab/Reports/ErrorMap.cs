using DeepLab.Imaging;

namespace DeepLab.Reports;

/// <summary>Shows where a prediction is wrong.</summary>
internal static class ErrorMap
{
    private const int StripeWidth = 4;
    private static readonly (byte R, byte G, byte B) s_wrong = (226, 20, 62);

    /// <summary>
    /// The photograph in pale gray with the wrong pixels in red; pixels without a label (255) are striped, since they
    /// do not count.
    /// </summary>
    /// <param name="image">[height, width, 3]; not changed.</param>
    /// <param name="labels">The ground truth [height, width].</param>
    /// <param name="prediction">The predicted labels [height, width].</param>
    /// <returns>[height, width, 3].</returns>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static RgbImage Draw(RgbImage image, LabelMap labels, LabelMap prediction)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(prediction);
        labels.RequireSizeOf(image, nameof(labels));
        prediction.RequireSizeOf(image, nameof(prediction));
        var map = new RgbImage(image.Height, image.Width);
        for (int i = 0; i < labels.Labels.Length; i++)
        {
            Span<byte> pixel = map.Pixels.AsSpan(3 * i, 3);
            byte label = labels.Labels[i];
            if (label != LabelMap.IgnoreLabel && label != prediction.Labels[i])
            {
                (pixel[0], pixel[1], pixel[2]) = s_wrong;
                continue;
            }

            ReadOnlySpan<byte> color = image.Pixels.AsSpan(3 * i, 3);
            int gray = ((299 * color[0]) + (587 * color[1]) + (114 * color[2])) / 1000;
            bool isStriped = label == LabelMap.IgnoreLabel && ((i % image.Width) + (i / image.Width)) / StripeWidth % 2 == 0;
            pixel.Fill((byte)(isStriped ? 96 : 128 + (gray / 2)));
        }

        return map;
    }
}
