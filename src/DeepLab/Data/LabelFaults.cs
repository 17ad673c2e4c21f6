using DeepLab.Imaging;

namespace DeepLab.Data;

/// <summary>What the values of label images, counted over several of them, tell about mistakes in a dataset.</summary>
internal static class LabelFaults
{
    /// <summary>
    /// The faults of label values that leave nothing to learn: everything but background ignored, everything ignored,
    /// or a single class everywhere; null if there is none.
    /// </summary>
    /// <param name="counts">Pixels with each value 0 to 255, after mapping.</param>
    /// <param name="dataset">Where they come from.</param>
    /// <param name="images">How many label images were counted.</param>
    public static DatasetProblem? Find(ReadOnlySpan<long> counts, SegmentationDataset dataset, int images)
    {
        int present = 0, only = 0;
        for (int k = 0; k < LabelMap.IgnoreLabel; k++)
        {
            if (counts[k] > 0) (present, only) = (present + 1, k);
        }

        bool ignored = counts[LabelMap.IgnoreLabel] > 0;
        if (images == 0 || present > 1 || (present == 0 && !ignored)) return null;
        string where = images == 1 ? "the label image read" : $"all {images} label images read", holds = images == 1 ? "holds" : "hold";
        if (dataset.Classes == 2 && ignored && (present == 0 || only == 0))
        {
            return new DatasetProblem(
                DatasetProblemKind.ForegroundIgnored,
                $"{where} {holds} only {(present == 0 ? "255" : "0 and 255")}, and 255 is ignored, so there is nothing to learn; if 255 is the foreground, map it to class 1")
            {
                Remedy = new Remedy(RemedyKind.LabelMapping, "255=1"),
            };
        }

        return present == 0
            ? new DatasetProblem(DatasetProblemKind.AllIgnored, $"{where} {holds} only 255, which is ignored, so there is nothing to learn")
            : new DatasetProblem(
                DatasetProblemKind.OneClassEverywhere,
                $"in {where}, class {only} ({Name(dataset, only)}) covers everything{(ignored ? " that is not ignored (255)" : "")}, so there is nothing to tell apart");
    }

    /// <summary>Adds the labels to the counts of each value.</summary>
    public static void Count(ReadOnlySpan<byte> labels, Span<long> counts)
    {
        foreach (byte label in labels) counts[label]++;
    }

    private static string Name(SegmentationDataset dataset, int k) => k < dataset.Classes ? dataset.ClassNames[k] : "no class";
}
