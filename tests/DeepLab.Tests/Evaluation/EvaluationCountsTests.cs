using DeepLab.Evaluation;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class EvaluationCountsTests
{
    [Fact]
    public void Bands_count_the_pixels_near_boundaries_and_never_void()
    {
        // Void between two classes, as in VOC. Distances to another label: 3 2 1 | 1 1 | 1 2 3.
        var labels = new LabelMap(1, 8, [0, 0, 0, 255, 255, 1, 1, 1]);
        var prediction = new LabelMap(1, 8, [1, 0, 0, 0, 1, 0, 0, 1]);
        int[] widths = [1, 2, 5];
        var counts = new EvaluationCounts(2, widths);
        counts.Add("one", labels, prediction, new TrimapBands(widths).Of(labels));
        EvaluationReport report = counts.Report("w", ["a", "b"]);

        // Within 1: one a correct, one b predicted as a. Within 2: two a correct, two b predicted as a. Within 5: all
        // six.
        TrimapScore[] expected =
        [
            new(1, 2, (0.5 + 0) / 2, 0.5),
            new(2, 4, (0.5 + 0) / 2, 0.5),
            new(5, 6, ((2.0 / 5) + (1.0 / 4)) / 2, 0.5),
        ];
        Assert.Equal(expected, report.Trimap);
        Assert.Equal((report.MeanIoU, report.PixelAccuracy), (expected[2].MeanIoU, expected[2].PixelAccuracy));
    }

    [Fact]
    public void Every_image_has_its_own_score_and_all_are_in_one_matrix()
    {
        var counts = new EvaluationCounts(3, []);
        counts.Add("half", new LabelMap(1, 4, [0, 0, 1, 255]), new LabelMap(1, 4, [0, 1, 1, 2]), []);
        counts.Add("void", new LabelMap(1, 2, [255, 255]), new LabelMap(1, 2, [2, 2]), []);
        counts.Add("all", new LabelMap(1, 2, [2, 2]), new LabelMap(1, 2, [2, 2]), []);
        EvaluationReport report = counts.Report("w", ["a", "b", "c"]);
        ImageScore[] expected = [new("half", 0.5, 2.0 / 3), new("void", double.NaN, double.NaN), new("all", 1, 1)];
        Assert.Equal(expected, report.Images);
        Assert.Equal((5, 1, 1, 1, 2), (report.Confusion!.Pixels, report.Confusion[0, 0], report.Confusion[0, 1], report.Confusion[1, 1], report.Confusion[2, 2]));
        Assert.Equal((0.5 + 0.5 + 1) / 3, report.MeanIoU);
        Assert.Empty(report.Trimap);
        Assert.Null(report.Crf);
    }
}
