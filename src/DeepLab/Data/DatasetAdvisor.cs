using System.Globalization;
using DeepLab.Imaging;

namespace DeepLab.Data;

/// <summary>How grave a piece of advice is.</summary>
public enum AdviceLevel
{
    /// <summary>Good to know.</summary>
    Information,

    /// <summary>Training would run, but probably not as it is meant.</summary>
    Warning,

    /// <summary>Training would fail or learn nothing.</summary>
    Error,
}

/// <summary>Something to know about a dataset before training on it.</summary>
/// <param name="Level">How grave it is.</param>
/// <param name="Message">One line: what was found, and what to do.</param>
public sealed record DatasetAdvice(AdviceLevel Level, string Message)
{
    /// <summary>The change that would help; null where the message says all there is to say.</summary>
    public Remedy? Remedy { get; init; }
}

/// <summary>
/// A quick look at a dataset before training, for the mistakes that otherwise show after an hour: colors for labels, a
/// foreground that is ignored, one class everywhere, labels outside the classes, a list shorter than the run.
/// </summary>
internal static class DatasetAdvisor
{
    private const int NamedFiles = 3;

    /// <summary>Looks at a seeded sample of the label files, and at the length of the list.</summary>
    /// <param name="dataset">The dataset, its files there (<see cref="SegmentationDataset.VerifyFiles"/>).</param>
    /// <param name="imagesNeeded">
    /// How many images the run takes: iterations × images per iteration; 0 if unknown.
    /// </param>
    /// <param name="shuffled">Whether the list is shuffled each epoch.</param>
    /// <param name="seed">Which label files are looked at.</param>
    /// <param name="sampleSize">How many of them, at the most.</param>
    /// <returns>What was found, the gravest first; empty if nothing.</returns>
    public static IReadOnlyList<DatasetAdvice> Check(SegmentationDataset dataset, long imagesNeeded = 0, bool shuffled = true, ulong seed = 0, int sampleSize = 50)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sampleSize);
        var advice = new List<DatasetAdvice>();
        LookAtLabels(dataset, Sample(dataset.Samples.Count, sampleSize, seed), advice);
        if (imagesNeeded > dataset.Samples.Count)
        {
            double times = (double)imagesNeeded / dataset.Samples.Count;
            advice.Add(new DatasetAdvice(
                AdviceLevel.Information,
                string.Create(CultureInfo.InvariantCulture, $"{dataset.Source}: the run takes {imagesNeeded} images and the list has {dataset.Samples.Count}, so each image is used {times:0.#} times, {(shuffled ? "in a new order each time" : "in the same order each time")}")));
        }

        return [.. advice.OrderByDescending(a => a.Level)];
    }

    private static void LookAtLabels(SegmentationDataset dataset, int[] indices, List<DatasetAdvice> advice)
    {
        var counts = new long[256];
        var failures = new List<DeepLabException>();
        DeepLabException? firstColors = null;
        int colored = 0, read = 0;
        foreach (int index in indices)
        {
            SampleFile sample = dataset.Samples[index];
            try
            {
                LabelMap labels = dataset.LoadLabels(sample);
                LabelFaults.Count(labels.Labels.AsSpan(0, labels.Height * labels.Width), counts);
                read++;
                if (dataset.ValueProblem(sample, labels) is InvalidFileException value) failures.Add(value);
            }
            catch (DeepLabException e) when (e.Remedy is { Kind: RemedyKind.LabelColors, Value: null })
            {
                // Colors are a fault of all of them, told once.
                firstColors ??= e;
                colored++;
            }
            catch (DeepLabException e)
            {
                failures.Add(e);
            }
        }

        if (firstColors is not null)
            advice.Add(Error(colored == 1 ? firstColors.Message : $"{firstColors.Message}; so are {colored} of the {indices.Length} label images looked at", firstColors.Remedy));
        foreach (DeepLabException failure in failures.Take(NamedFiles)) advice.Add(Error(failure.Message, failure.Remedy));
        if (failures.Count > NamedFiles) advice.Add(Error($"{failures.Count} of the {indices.Length} label images looked at have such faults", null));
        if (LabelFaults.Find(counts, dataset, read) is DatasetProblem fault)
            advice.Add(Error(fault.Message, fault.Remedy) with { Level = fault.Kind == DatasetProblemKind.OneClassEverywhere ? AdviceLevel.Warning : AdviceLevel.Error });
    }

    private static DatasetAdvice Error(string message, Remedy? remedy) => new(AdviceLevel.Error, message) { Remedy = remedy };

    private static int[] Sample(int count, int size, ulong seed)
    {
        int[] indices = [.. Enumerable.Range(0, count)];
        if (count <= size) return indices;
        new SeededRandom(seed).Shuffle(indices.AsSpan());
        Array.Resize(ref indices, size);
        Array.Sort(indices);
        return indices;
    }
}
