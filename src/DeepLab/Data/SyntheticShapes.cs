using System.Globalization;
using System.Text;
using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>
/// A labelled dataset that needs no download: textured shapes on cluttered backgrounds, drawn from a seed. A class is a
/// shape with a texture of its own and a tendency towards a hue; the clutter has every hue but neither the size nor the
/// shape.
/// </summary>
public static class SyntheticShapes
{
    /// <summary>The index of the first held-out image; smaller ones are for training.</summary>
    private const int FirstValidationIndex = 1 << 20;

    /// <summary>The classes by label: the background, then the shapes.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = ["background", .. Enum.GetNames<SyntheticShape>().Select(n => n.ToLowerInvariant())];

    /// <summary>
    /// Draws one image and its labels, each side 160 to 224 pixels; equal arguments give equal bytes.
    /// </summary>
    /// <param name="seed">The seed of the dataset.</param>
    /// <param name="index">Which of the dataset's images, not negative.</param>
    /// <returns>
    /// The picture, and its label map of the same size: 0 for the background, a shape's class, and 255 in a border of
    /// four pixels along every outline, as PASCAL VOC has it.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is negative.</exception>
    public static (RgbImage Image, LabelMap Labels) Draw(ulong seed, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var random = new SeededRandom(seed, (ulong)index);
        int height = 160 + random.NextInt32(65), width = 160 + random.NextInt32(65);
        var scene = new SyntheticScene(height, width, random);
        scene.DrawBackground();
        scene.DrawClutter();
        scene.DrawShapes();
        return (new RgbImage(height, width, scene.Develop()), new LabelMap(height, width, scene.Labels()));
    }

    /// <summary>
    /// Writes a dataset in PASCAL VOC's layout: <c>JPEGImages/*.jpg</c>, <c>SegmentationClass/*.png</c> with VOC's
    /// palette, <c>ImageSets/Segmentation/train.txt</c> and <c>val.txt</c>, and <c>labels.txt</c> with a line
    /// <c>index name</c> for each class.
    /// </summary>
    /// <param name="root">The folder to write to, made if needed; files of the same names are replaced.</param>
    /// <param name="trainCount">The number of images of <c>train.txt</c>.</param>
    /// <param name="valCount">
    /// The number of images of <c>val.txt</c>; the same whatever <paramref name="trainCount"/> is.
    /// </param>
    /// <param name="seed">The seed of the dataset.</param>
    /// <param name="progress">Told the number of images written after each.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative or above a million.</exception>
    /// <exception cref="DeepLabException">A file cannot be written.</exception>
    public static void Write(string root, int trainCount, int valCount, ulong seed, IProgress<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(root);
        CheckCount(trainCount, nameof(trainCount));
        CheckCount(valCount, nameof(valCount));
        int written = 0;
        WriteSplit("train", 0, trainCount);
        WriteSplit("val", FirstValidationIndex, valCount);

        var labels = new StringBuilder();
        for (int c = 0; c < ClassNames.Count; c++) labels.Append(CultureInfo.InvariantCulture, $"{c} {ClassNames[c]}\n");
        AtomicFile.WriteAllText(Path.Combine(root, "labels.txt"), labels.ToString());

        void WriteSplit(string split, int first, int count)
        {
            var names = new StringBuilder();
            for (int i = 0; i < count; i++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"{split}_{i + 1:0000}");
                (RgbImage image, LabelMap map) = Draw(seed, first + i);
                image.Save(Path.Combine(root, "JPEGImages", name + ".jpg"));
                map.Save(Path.Combine(root, "SegmentationClass", name + ".png"), Palette.Voc);
                names.Append(name).Append('\n');
                progress?.Report(++written);
            }

            // The list comes last: a split that is listed is complete.
            AtomicFile.WriteAllText(Path.Combine(root, "ImageSets", "Segmentation", split + ".txt"), names.ToString());
        }
    }

    private static void CheckCount(int count, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1_000_000, name);
    }
}
