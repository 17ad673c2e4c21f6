using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>How the labels of a dataset are to be read.</summary>
public sealed record DatasetOptions
{
    /// <summary>
    /// How many classes there are, 2 to 255; labels are 0 to Classes − 1, and 255 for ignored pixels.
    /// </summary>
    public int Classes { get; init; } = 21;

    /// <summary>
    /// The names of the classes by index; null to take those of <c>labels.txt</c> in the root, of the label colors, or
    /// of VOC.
    /// </summary>
    public IReadOnlyDictionary<int, string>? ClassNames { get; init; }

    /// <summary>Label values to replace after reading.</summary>
    public LabelMapping Mapping { get; init; } = LabelMapping.None;

    /// <summary>
    /// The colors of the classes, for label images that are colors instead of indices; null for indices.
    /// </summary>
    public LabelColors? Colors { get; init; }
}

/// <summary>
/// Photographs with label images, in the order of a list. Reading is safe from several threads at once.
/// </summary>
public sealed class SegmentationDataset
{
    private const int MostNamed = 10;
    private readonly DatasetOptions _options;

    private SegmentationDataset(string source, IReadOnlyList<SampleFile> samples, DatasetOptions options, string? labelsFile)
    {
        if (options.Classes is < 2 or > 255)
            throw new ArgumentOutOfRangeException(nameof(options), options.Classes, "The number of classes lies in [2, 255].");
        foreach ((byte from, byte to) in options.Mapping.Pairs)
        {
            if (to >= options.Classes && to != LabelMap.IgnoreLabel)
            {
                throw new DeepLabException($"label {from} is mapped to {to}, and there is no class {to}: the {options.Classes} classes are 0 to {options.Classes - 1}, and 255 is ignored")
                {
                    Remedy = new Remedy(RemedyKind.LabelMapping, from) { Alternative = new Remedy(RemedyKind.Classes) },
                };
            }

        }

        Source = source;
        Samples = samples;
        _options = options;
        IReadOnlyDictionary<int, string>? names = options.ClassNames
            ?? (labelsFile is not null && File.Exists(labelsFile) ? Data.ClassNames.Load(labelsFile) : options.Colors?.Names);
        ClassNames = Data.ClassNames.Complete(options.Classes, names);
    }

    /// <summary>The list that the samples come from.</summary>
    public string Source { get; }

    /// <summary>The images with their label images, in the order of the list.</summary>
    public IReadOnlyList<SampleFile> Samples { get; }

    /// <summary>How many classes there are.</summary>
    public int Classes => _options.Classes;

    /// <summary>A name for each class.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>How the labels are read.</summary>
    public DatasetOptions Options => _options;

    /// <summary>
    /// A dataset in PASCAL VOC's layout: <c>JPEGImages</c>, <c>SegmentationClass</c>,
    /// <c>ImageSets/Segmentation/SPLIT.txt</c>, and <c>labels.txt</c> with the names of the classes, if it is there.
    /// </summary>
    /// <param name="root">The folder that holds them.</param>
    /// <param name="split">The name of the list, without extension: <c>train</c>, for instance.</param>
    /// <param name="labelsDir">The folder of the label images, in the root or anywhere.</param>
    /// <param name="options">How the labels are read; null for VOC's 21 classes.</param>
    /// <exception cref="DeepLabException">The list can't be read, is empty or malformed.</exception>
    public static SegmentationDataset FromVoc(string root, string split, string labelsDir = "SegmentationClass", DatasetOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        ArgumentException.ThrowIfNullOrEmpty(split);
        ArgumentException.ThrowIfNullOrEmpty(labelsDir);
        if (!Directory.Exists(root))
            throw new DeepLabException($"{root}: there is no such folder; expected a dataset in PASCAL VOC's layout");
        string sets = Path.Combine(root, "ImageSets", "Segmentation");
        string list = Path.Combine(sets, split + ".txt");
        if (!File.Exists(list))
            throw new DeepLabException($"{list}: there is no such list; {SplitsIn(sets)}");
        List<SampleFile> samples = DatasetList.Read(list, Path.Combine(root, "JPEGImages"), Path.Combine(root, labelsDir), root);
        return new SegmentationDataset(list, samples, options ?? new DatasetOptions(), Path.Combine(root, "labels.txt"));
    }

    /// <summary>A dataset with its images in one folder and its label images in another (or the same).</summary>
    /// <param name="imagesDir">The folder of the images.</param>
    /// <param name="labelsDir">The folder of the label images.</param>
    /// <param name="listFile">
    /// The list: one id per line, or the paths of an image and its label image, relative to the folders or, with the
    /// folder's name in front, to the folder above.
    /// </param>
    /// <param name="options">How the labels are read; null for VOC's 21 classes.</param>
    /// <exception cref="DeepLabException">The list can't be read, is empty or malformed.</exception>
    public static SegmentationDataset FromList(string imagesDir, string labelsDir, string listFile, DatasetOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(imagesDir);
        ArgumentException.ThrowIfNullOrEmpty(labelsDir);
        ArgumentException.ThrowIfNullOrEmpty(listFile);
        foreach (string directory in (string[])[imagesDir, labelsDir])
        {
            if (!Directory.Exists(directory)) throw new DeepLabException($"{directory}: there is no such folder");
        }

        List<SampleFile> samples = DatasetList.Read(listFile, imagesDir, labelsDir, root: null);
        return new SegmentationDataset(listFile, samples, options ?? new DatasetOptions(), labelsFile: null);
    }

    /// <summary>
    /// A quick look before training, at a sample of the label files and the length of the list, for the mistakes that
    /// otherwise show after an hour.
    /// </summary>
    /// <param name="imagesNeeded">How many images the run takes; 0 if unknown.</param>
    /// <param name="shuffled">Whether the list is shuffled each epoch.</param>
    /// <param name="seed">Which label files are looked at.</param>
    /// <returns>What was found, the gravest first; empty if nothing.</returns>
    public IReadOnlyList<DatasetAdvice> Advise(long imagesNeeded = 0, bool shuffled = true, ulong seed = 0) =>
        DatasetAdvisor.Check(this, imagesNeeded, shuffled, seed);

    /// <summary>Checks that every listed file is there.</summary>
    /// <exception cref="DeepLabException">Some are not: their count, and ten by name.</exception>
    public void VerifyFiles()
    {
        List<string> missing = [.. Samples.SelectMany(MissingFiles).Distinct()];
        if (missing.Count == 0) return;
        throw new DeepLabException($"{Source}: {missing.Count} of the listed files {(missing.Count == 1 ? "is" : "are")} missing: {BoundedText.List(missing, MostNamed)}");
    }

    /// <summary>
    /// Reads an image and its labels: by color if colors are given, then mapped, then checked. The image's pixels are
    /// taken as they are stored, whatever its EXIF says of its orientation, since its labels are drawn over these.
    /// </summary>
    /// <param name="index">Its place in <see cref="Samples"/>.</param>
    /// <returns>
    /// The image [height, width, 3] and its labels [height, width], each below <see cref="Classes"/> or 255.
    /// </returns>
    /// <exception cref="InvalidFileException">
    /// A file can't be read, the sizes differ, or a label is no class.
    /// </exception>
    public (RgbImage Image, LabelMap Labels) Read(int index)
    {
        SampleFile sample = Samples[index];
        RgbImage image = RgbImage.Load(sample.ImagePath);
        LabelMap labels = LoadLabels(sample);
        if (SizeProblem(sample, (image.Height, image.Width), (labels.Height, labels.Width)) is string problem)
            throw new InvalidFileException(sample.LabelPath, problem);
        return ValueProblem(sample, labels) is InvalidFileException wrong ? throw wrong : (image, labels);
    }

    /// <summary>Reads the labels alone, as <see cref="Read"/> does.</summary>
    /// <param name="index">Their place in <see cref="Samples"/>.</param>
    /// <exception cref="InvalidFileException">The file can't be read, or a label is no class.</exception>
    public LabelMap ReadLabels(int index)
    {
        LabelMap labels = LoadLabels(Samples[index]);
        return ValueProblem(Samples[index], labels) is InvalidFileException wrong ? throw wrong : labels;
    }

    /// <summary>The files of a sample that are not there.</summary>
    internal static IEnumerable<string> MissingFiles(SampleFile sample) =>
        new[] { sample.ImagePath, sample.LabelPath }.Where(path => !File.Exists(path));

    /// <summary>The labels of a sample, mapped but with any values.</summary>
    internal LabelMap LoadLabels(SampleFile sample)
    {
        LabelMap labels = _options.Colors is LabelColors colors ? colors.LoadLabels(sample.LabelPath) : LabelMap.Load(sample.LabelPath);
        _options.Mapping.Apply(labels.Labels.AsSpan(0, labels.Height * labels.Width));
        return labels;
    }

    /// <summary>What is wrong with the sizes of an image and its labels; null if they are equal.</summary>
    internal static string? SizeProblem(SampleFile sample, (int Height, int Width) image, (int Height, int Width) labels) =>
        image == labels ? null : $"is {labels.Width}×{labels.Height} (width × height), but its image {sample.ImagePath} is {image.Width}×{image.Height}";

    /// <summary>What is wrong with the first label that is no class; null if there is none.</summary>
    internal InvalidFileException? ValueProblem(SampleFile sample, LabelMap labels)
    {
        if (Classes == LabelMap.IgnoreLabel) return null;
        int place = labels.Labels.AsSpan(0, labels.Height * labels.Width).IndexOfAnyInRange((byte)Classes, (byte)(LabelMap.IgnoreLabel - 1));
        if (place < 0) return null;
        (int y, int x) = Math.DivRem(place, labels.Width);
        byte value = labels.Labels[place];
        return new InvalidFileException(sample.LabelPath, $"label value {value} at pixel x {x}, y {y}, expected 0 to {Classes - 1} or 255 (ignored)")
        {
            Remedy = new Remedy(RemedyKind.Classes) { Alternative = new Remedy(RemedyKind.LabelMapping, value) },
        };
    }

    private static string SplitsIn(string directory)
    {
        if (!Directory.Exists(directory)) return "the folder is missing too; expected a dataset in PASCAL VOC's layout";
        string[] splits = [.. Directory.EnumerateFiles(directory, "*.txt").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];
        return splits.Length == 0 ? "the folder has no list at all" : $"the lists there are {BoundedText.List(splits, MostNamed)}";
    }
}
