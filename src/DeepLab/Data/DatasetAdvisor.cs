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
public sealed record DatasetAdvice(AdviceLevel Level, string Message);

/// <summary>
/// A quick look at a dataset before training, for the mistakes that otherwise show after an hour: colours for labels, a
/// foreground that is ignored, one class everywhere, labels outside the classes, a list shorter than the run.
/// </summary>
public static class DatasetAdvisor
{
    private const int NamedFiles = 3;

    /// <summary>Looks at a seeded sample of the label files, and at the length of the list.</summary>
    /// <param name="dataset">The dataset, its files there (<see cref="SegmentationDataset.VerifyFiles"/>).</param>
    /// <param name="imagesNeeded">How many images the run takes: iterations × images an iteration; 0 if unknown.</param>
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
                string.Create(CultureInfo.InvariantCulture, $"{dataset.Source}: the run takes {imagesNeeded} images and the list has {dataset.Samples.Count}, so it is gone through {times:0.#} times, {(shuffled ? "reshuffled each time" : "in the same order each time")}")));
        }

        return [.. advice.OrderByDescending(a => a.Level)];
    }

    private static void LookAtLabels(SegmentationDataset dataset, int[] indices, List<DatasetAdvice> advice)
    {
        var counts = new long[256];
        var failures = new List<string>();
        int colours = 0, read = 0;
        string firstColour = "";
        foreach (int index in indices)
        {
            SampleFile sample = dataset.Samples[index];
            try
            {
                LabelMap labels = dataset.LoadLabels(sample);
                LabelFaults.Count(labels.Labels.AsSpan(0, labels.Height * labels.Width), counts);
                read++;
                if (dataset.ValueProblem(labels) is string value) failures.Add($"{sample.LabelPath}: {value}");
            }
            catch (DeepLabException e) when (dataset.Options.Colors is null && ColourLabels.Are(sample.LabelPath))
            {
                // Colours are a fault of all of them, told once.
                if (colours++ == 0) firstColour = e.Message;
            }
            catch (DeepLabException e)
            {
                failures.Add(e.Message);
            }
        }

        if (colours > 0)
            advice.Add(new DatasetAdvice(AdviceLevel.Error, colours == 1 ? firstColour : $"{firstColour}; so are {colours} of the {indices.Length} label images looked at"));
        foreach (string failure in failures.Take(NamedFiles)) advice.Add(new DatasetAdvice(AdviceLevel.Error, failure));
        if (failures.Count > NamedFiles)
            advice.Add(new DatasetAdvice(AdviceLevel.Error, $"{failures.Count} of the {indices.Length} label images looked at have such faults; \"data check\" lists them all"));
        if (LabelFaults.Find(counts, dataset, read) is (DatasetProblemKind kind, string message))
            advice.Add(new DatasetAdvice(kind == DatasetProblemKind.OneClassEverywhere ? AdviceLevel.Warning : AdviceLevel.Error, message));
    }

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
