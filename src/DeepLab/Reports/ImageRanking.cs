using DeepLab.Evaluation;
using DeepLab.Imaging;

namespace DeepLab.Reports;

/// <summary>
/// Keeps the images of an evaluation that were predicted best and worst, by the mean IoU of the classes in each image's
/// labels or prediction. Only so many are held, and those as small pictures, so that the memory does not grow with the
/// dataset.
/// </summary>
public sealed class ImageRanking
{
    /// <summary>How many images of each kind are kept unless it is said.</summary>
    internal const int DefaultCount = 6;

    private const int MostCount = 100;

    private readonly int _count;
    private readonly Palette _palette;
    private readonly ConfusionMatrix _image;
    private readonly List<RankedImage> _worst = [], _best = [];

    /// <summary>Creates a ranking without images.</summary>
    /// <param name="classes">The number of classes, 1 to 255.</param>
    /// <param name="palette">The labels' colors.</param>
    /// <param name="count">How many of the worst and how many of the best are kept, 1 to 100.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public ImageRanking(int classes, Palette palette, int count = DefaultCount)
    {
        ArgumentNullException.ThrowIfNull(palette);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MostCount);
        (_image, _palette, _count) = (new ConfusionMatrix(classes), palette, count);
    }

    /// <summary>How many images were added, those without labels among them.</summary>
    public int Images { get; private set; }

    /// <summary>The worst images, the worst first. No image is both among the worst and the best.</summary>
    internal IReadOnlyList<RankedImage> Worst => [.. _worst.Take((Ranked + 1) / 2)];

    /// <summary>The best images, the best first.</summary>
    internal IReadOnlyList<RankedImage> Best => [.. _best.Take(Ranked / 2)];

    private int Ranked { get; set; }

    /// <summary>
    /// Adds the next image of the dataset; with a CRF its refined prediction counts. One whose labels are all void is
    /// left out.
    /// </summary>
    public void Add(EvaluatedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Images++;
        LabelMap final = image.Refined ?? image.Prediction;
        _image.Clear();
        _image.Add(image.Labels.Labels, final.Labels);
        var metrics = SegmentationMetrics.From(_image);
        if (double.IsNaN(metrics.MeanIoU)) return;
        Ranked++;
        bool isBad = _worst.Count < _count || metrics.MeanIoU < _worst[^1].MeanIoU, isGood = _best.Count < _count || metrics.MeanIoU > _best[^1].MeanIoU;
        if (!isBad && !isGood) return;
        var ranked = RankedImage.Of(image, Images, metrics, LargestClasses(), _palette);
        if (isBad) Insert(_worst, ranked, (a, b) => a.MeanIoU > b.MeanIoU);
        if (isGood) Insert(_best, ranked, (a, b) => a.MeanIoU < b.MeanIoU);
    }

    // Of equals the earlier one comes first and stays.
    private void Insert(List<RankedImage> list, RankedImage image, Func<RankedImage, RankedImage, bool> isBehind)
    {
        int place = list.FindIndex(other => isBehind(other, image));
        list.Insert(place < 0 ? list.Count : place, image);
        if (list.Count > _count) list.RemoveAt(_count);
    }

    private int[] LargestClasses()
    {
        long Size(int c) => Enumerable.Range(0, _image.Classes).Sum(other => _image[c, other] + (other == c ? 0 : _image[other, c]));
        return
        [
            .. Enumerable.Range(0, _image.Classes).Select(c => (Class: c, Size: Size(c))).Where(c => c.Size > 0)
                .OrderByDescending(c => c.Size).Take(RankedImage.MostClasses).Select(c => c.Class),
        ];
    }
}

/// <summary>An image of a ranking, with its pictures.</summary>
/// <param name="Name">What the dataset calls it.</param>
/// <param name="Number">Its place in the dataset, from 1.</param>
/// <param name="Width">Its width in pixels.</param>
/// <param name="Height">Its height.</param>
/// <param name="MeanIoU">The mean IoU of its classes.</param>
/// <param name="PixelAccuracy">The share of its pixels that is predicted right.</param>
/// <param name="Classes">
/// The classes in its labels or prediction, the largest first, at most <see cref="MostClasses"/>.
/// </param>
/// <param name="Pictures">Small pictures, each with what it shows.</param>
internal sealed record RankedImage(
    string Name, int Number, int Width, int Height, double MeanIoU, double PixelAccuracy, IReadOnlyList<int> Classes, IReadOnlyList<(string Kind, Thumbnail Picture)> Pictures)
{
    public const int MostClasses = 12;

    /// <summary>Draws the pictures.</summary>
    public static RankedImage Of(EvaluatedImage image, int number, SegmentationMetrics metrics, IReadOnlyList<int> classes, Palette palette)
    {
        List<(string, Thumbnail)> pictures =
        [
            ("Photograph", Thumbnail.Of(image.Image)), ("Truth", Thumbnail.Of(image.Labels, palette)), ("Prediction", Thumbnail.Of(image.Prediction, palette)),
        ];
        if (image.Refined is not null) pictures.Add(("With CRF", Thumbnail.Of(image.Refined, palette)));
        pictures.Add(("Errors", Thumbnail.Of(ErrorMap.Draw(image.Image, image.Labels, image.Refined ?? image.Prediction))));
        return new RankedImage(image.Sample.Name, number, image.Image.Width, image.Image.Height, metrics.MeanIoU, metrics.PixelAccuracy, classes, pictures);
    }
}
