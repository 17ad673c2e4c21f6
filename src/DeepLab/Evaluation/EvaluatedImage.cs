using DeepLab.Data;
using DeepLab.Imaging;

namespace DeepLab.Evaluation;

/// <summary>An image of a dataset with what a network made of it.</summary>
/// <param name="Sample">Its name and files.</param>
/// <param name="Image">The image [height, width, 3].</param>
/// <param name="Labels">The ground truth [height, width].</param>
/// <param name="Prediction">The predicted labels [height, width].</param>
public sealed record EvaluatedImage(SampleFile Sample, RgbImage Image, LabelMap Labels, LabelMap Prediction)
{
    /// <summary>The labels that the CRF made of the scores [height, width]; null without CRF.</summary>
    public LabelMap? Refined { get; init; }

    /// <summary>
    /// The photograph, the truth, the prediction and, if there is one, the refined prediction, next to each other in
    /// this order.
    /// </summary>
    /// <param name="palette">The labels' colors; void is painted in that of label 255.</param>
    /// <returns>[height, 3 or 4 widths, 3].</returns>
    /// <exception cref="DeepLabException">The picture would have too many pixels.</exception>
    public RgbImage SideBySide(Palette palette)
    {
        ArgumentNullException.ThrowIfNull(palette);
        LabelMap[] maps = Refined is null ? [Labels, Prediction] : [Labels, Prediction, Refined];
        int panels = maps.Length + 1, width = Image.Width;
        if ((long)panels * width * Image.Height > ImageLimits.MaxPixels)
        {
            throw new DeepLabException($"{Sample.ImagePath}: {panels} times its {width}×{Image.Height} pixels are more than the {ImageLimits.MaxPixels} that a picture may have")
            {
                Remedy = new Remedy(RemedyKind.NoPictures),
            };
        }


        var picture = new RgbImage(Image.Height, panels * width);
        for (int y = 0; y < Image.Height; y++)
        {
            Span<byte> row = picture.Pixels.AsSpan(3 * y * picture.Width, 3 * picture.Width);
            Image.Pixels.AsSpan(3 * y * width, 3 * width).CopyTo(row);
            for (int i = 0; i < maps.Length; i++) Paint(maps[i].Labels.AsSpan(y * width, width), palette, row.Slice(3 * (i + 1) * width, 3 * width));
        }

        return picture;
    }

    /// <summary>All of it small, for showing: the photograph by means, labels by their nearest.</summary>
    internal EvaluatedImage ReducedTo(int maxSide) => this with
    {
        Image = Image.ReducedTo(maxSide),
        Labels = Labels.ReducedTo(maxSide),
        Prediction = Prediction.ReducedTo(maxSide),
        Refined = Refined?.ReducedTo(maxSide),
    };

    private static void Paint(ReadOnlySpan<byte> labels, Palette palette, Span<byte> row)
    {
        for (int x = 0; x < labels.Length; x++) (row[3 * x], row[(3 * x) + 1], row[(3 * x) + 2]) = palette[labels[x]];
    }
}
