using System.Collections.Immutable;
using DeepLab.Imaging;

namespace DeepLab.Data;

/// <summary>What can be wrong with a dataset.</summary>
public enum DatasetProblemKind
{
    /// <summary>A listed file is not there.</summary>
    MissingFile,

    /// <summary>A file can't be decoded.</summary>
    Unreadable,

    /// <summary>A label image holds colors where class indices are expected.</summary>
    ColorsInsteadOfIndices,

    /// <summary>A label image has another size than its image.</summary>
    SizeMismatch,

    /// <summary>A label is neither a class nor 255.</summary>
    ValueOutOfRange,

    /// <summary>Every pixel of a label image, or of all of them, is ignored.</summary>
    AllIgnored,

    /// <summary>A line comes twice in the list.</summary>
    Duplicate,

    /// <summary>No pixel has the class.</summary>
    ClassNeverSeen,

    /// <summary>Two classes, but labels are only 0 and 255, so that the whole foreground is ignored.</summary>
    ForegroundIgnored,

    /// <summary>One class covers everything.</summary>
    OneClassEverywhere,
}

/// <summary>Something that is wrong with a dataset.</summary>
/// <param name="Kind">What kind of fault it is.</param>
/// <param name="Message">One line: which file, what was found.</param>
public sealed record DatasetProblem(DatasetProblemKind Kind, string Message)
{
    /// <summary>The change that would help; null where the message says all there is to say.</summary>
    public Remedy? Remedy { get; init; }

    /// <summary>
    /// An error where training would fail or learn nothing, a warning where it would run, but perhaps not as it is
    /// meant.
    /// </summary>
    public AdviceLevel Level => Kind is DatasetProblemKind.AllIgnored or DatasetProblemKind.Duplicate or DatasetProblemKind.ClassNeverSeen or DatasetProblemKind.OneClassEverywhere
        ? AdviceLevel.Warning
        : AdviceLevel.Error;
}

/// <summary>How often a class occurs.</summary>
/// <param name="Label">Its label, or 255 for the ignored pixels.</param>
/// <param name="Name">Its name.</param>
/// <param name="Pixels">How many pixels have it.</param>
/// <param name="Images">In how many images it occurs.</param>
public sealed record ClassOccurrence(int Label, string Name, long Pixels, int Images);

/// <summary>The least, the middle and the largest of the images' heights or widths, in pixels.</summary>
public sealed record SideSummary(int Minimum, int Median, int Maximum);

/// <summary>
/// All that a complete look at a dataset finds, every image and label image decoded: <c>data check</c>. The same for
/// any number of threads.
/// </summary>
public sealed partial record DatasetReport
{
    /// <summary>The list that was read.</summary>
    public required string Source { get; init; }

    /// <summary>How many samples the list has.</summary>
    public required int Listed { get; init; }

    /// <summary>How many of them can be trained on as they are.</summary>
    public required int Usable { get; init; }

    /// <summary>The heights of the readable images; null if there is none.</summary>
    public required SideSummary? Heights { get; init; }

    /// <summary>The widths of the readable images; null if there is none.</summary>
    public required SideSummary? Widths { get; init; }

    /// <summary>How many different sizes the readable images have.</summary>
    public required int DistinctSizes { get; init; }

    /// <summary>The classes in their order, counted over all readable label images.</summary>
    public required ImmutableArray<ClassOccurrence> Classes { get; init; }

    /// <summary>The ignored pixels (255).</summary>
    public required ClassOccurrence Ignored { get; init; }

    /// <summary>Every pixel of the readable label images, those outside the classes too.</summary>
    public required long Pixels { get; init; }

    /// <summary>What is wrong: file by file in the order of the list, then what concerns the whole.</summary>
    public required ImmutableArray<DatasetProblem> Problems { get; init; }

    /// <summary>Whether training on it as it is would fail or learn nothing.</summary>
    public bool HasErrors => Usable == 0 || Ignored.Pixels == Pixels || Problems.Any(p => p.Level == AdviceLevel.Error);

    /// <summary>The share of all pixels that a class (or the ignored label) has, 0 to 1.</summary>
    public double ShareOf(ClassOccurrence occurrence)
    {
        ArgumentNullException.ThrowIfNull(occurrence);
        return Pixels == 0 ? 0 : (double)occurrence.Pixels / Pixels;
    }

    /// <summary>Looks at every file of a dataset.</summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="threads">How many threads decode, at least 1.</param>
    /// <param name="progress">
    /// Called with how many samples are done, after each, from any thread, one call at a time; or null.
    /// </param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="OperationCanceledException">The work was stopped.</exception>
    public static DatasetReport Create(SegmentationDataset dataset, int threads = 1, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        var findings = new Finding[dataset.Samples.Count];
        int done = 0;
        var progressLock = new object();
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        Parallel.For(0, findings.Length, options, i =>
        {
            findings[i] = Look(dataset, dataset.Samples[i]);
            if (progress is null) return;
            lock (progressLock) progress(++done);
        });
        return Summarize(dataset, findings);
    }

    private static Finding Look(SegmentationDataset dataset, SampleFile sample)
    {
        var problems = new List<DatasetProblem>();
        bool imageIsThere = File.Exists(sample.ImagePath), labelsAreThere = File.Exists(sample.LabelPath);
        foreach (string path in SegmentationDataset.MissingFiles(sample))
            problems.Add(new DatasetProblem(DatasetProblemKind.MissingFile, $"{path}: is not there"));

        RgbImage? image = imageIsThere ? Try(() => RgbImage.Load(sample.ImagePath)) : null;
        LabelMap? labels = labelsAreThere ? Try(() => dataset.LoadLabels(sample)) : null;

        (int Height, int Width)? size = image is null ? null : (image.Height, image.Width);
        if (labels is null) return new Finding(size, null, problems);
        if (size is not null && SegmentationDataset.SizeProblem(sample, size.Value, (labels.Height, labels.Width)) is string mismatch)
            problems.Add(new DatasetProblem(DatasetProblemKind.SizeMismatch, $"{sample.LabelPath}: {mismatch}"));
        if (dataset.ValueProblem(sample, labels) is InvalidFileException value)
            problems.Add(new DatasetProblem(DatasetProblemKind.ValueOutOfRange, value.Message) { Remedy = value.Remedy });
        var counts = new long[256];
        LabelFaults.Count(labels.Labels.AsSpan(0, labels.Height * labels.Width), counts);
        if (counts[LabelMap.IgnoreLabel] == (long)labels.Height * labels.Width)
            problems.Add(new DatasetProblem(DatasetProblemKind.AllIgnored, $"{sample.LabelPath}: every pixel is 255 (ignored)"));
        return new Finding(size, counts, problems);

        T? Try<T>(Func<T> read)
            where T : class
        {
            try
            {
                return read();
            }
            catch (DeepLabException e)
            {
                DatasetProblemKind kind = e.Remedy is { Kind: RemedyKind.LabelColors, Value: null } ? DatasetProblemKind.ColorsInsteadOfIndices : DatasetProblemKind.Unreadable;
                problems.Add(new DatasetProblem(kind, e.Message) { Remedy = e.Remedy });
                return null;
            }
        }
    }

    private static DatasetReport Summarize(SegmentationDataset dataset, Finding[] findings)
    {
        var pixels = new long[256];
        var images = new int[256];
        Finding[] counted = [.. findings.Where(f => f.Counts is not null)];
        foreach (Finding finding in counted)
        {
            for (int k = 0; k < 256; k++)
            {
                pixels[k] += finding.Counts![k];
                if (finding.Counts[k] > 0) images[k]++;
            }
        }

        ClassOccurrence Occurrence(int k, string name) => new(k, name, pixels[k], images[k]);
        (int Height, int Width)[] sizes = [.. findings.Where(f => f.Size is not null).Select(f => f.Size!.Value)];
        ImmutableArray<ClassOccurrence> classes = [.. dataset.ClassNames.Select((name, k) => Occurrence(k, name))];
        return new DatasetReport
        {
            Source = dataset.Source,
            Listed = findings.Length,
            Usable = findings.Count(f => f.IsUsable),
            Heights = Side(sizes.Select(s => s.Height)),
            Widths = Side(sizes.Select(s => s.Width)),
            DistinctSizes = sizes.Distinct().Count(),
            Classes = classes,
            Ignored = Occurrence(LabelMap.IgnoreLabel, "ignored"),
            Pixels = pixels.Sum(),
            Problems = [.. findings.SelectMany(f => f.Problems), .. ProblemsOfTheWhole(dataset, pixels, classes, counted.Length)],
        };
    }

    private static IEnumerable<DatasetProblem> ProblemsOfTheWhole(SegmentationDataset dataset, long[] pixels, ImmutableArray<ClassOccurrence> classes, int counted)
    {
        foreach (IGrouping<string, SampleFile> same in dataset.Samples.GroupBy(s => s.ImagePath).Where(g => g.Count() > 1))
            yield return new DatasetProblem(DatasetProblemKind.Duplicate, $"{dataset.Source}: {same.First().Name} is listed {same.Count()} times");
        if (LabelFaults.Find(pixels, dataset, counted) is DatasetProblem fault) yield return fault;
        if (counted == 0) yield break;
        foreach (ClassOccurrence never in classes.Where(c => c.Pixels == 0))
            yield return new DatasetProblem(DatasetProblemKind.ClassNeverSeen, $"no pixel has class {never.Label} ({never.Name})");
    }

    private static SideSummary? Side(IEnumerable<int> sides)
    {
        int[] sorted = [.. sides.Order()];
        return sorted.Length == 0 ? null : new SideSummary(sorted[0], sorted[sorted.Length / 2], sorted[^1]);
    }

    /// <summary>What a sample turned out to be; no size or no counts where the file could not be read.</summary>
    private sealed record Finding((int Height, int Width)? Size, long[]? Counts, List<DatasetProblem> Problems)
    {
        public bool IsUsable => Size is not null && Counts is not null && Problems.All(p => p.Kind == DatasetProblemKind.AllIgnored);
    }
}
