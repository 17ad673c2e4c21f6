using System.Text.Json;
using DeepLab.Evaluation;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class SegmentationMetricsTests
{
    [Fact]
    public void Measures_are_those_computed_by_hand()
    {
        // Labels: four pixels of 0, two of 1. Class 2 is only predicted; class 3 appears nowhere.
        var matrix = new ConfusionMatrix(4);
        matrix.Add([0, 0, 0, 0, 1, 1, 255], [0, 0, 0, 1, 1, 2, 3]);
        SegmentationMetrics metrics = SegmentationMetrics.From(matrix);
        Assert.Equal([3 / 4.0, 1 / 3.0, 0, double.NaN], metrics.IoU);
        Assert.Equal((0.75 + (1 / 3.0)) / 3, metrics.MeanIoU, 1e-15);
        Assert.Equal(4 / 6.0, metrics.PixelAccuracy, 1e-15);
        Assert.Equal((0.75 + 0.5) / 2, metrics.MeanAccuracy, 1e-15);
        Assert.Equal(((4 * 0.75) + (2 / 3.0)) / 6, metrics.FrequencyWeightedIoU, 1e-15);
    }

    [Fact]
    public void Without_pixels_every_measure_is_NaN()
    {
        SegmentationMetrics metrics = SegmentationMetrics.From(new ConfusionMatrix(2));
        Assert.Equal([double.NaN, double.NaN], metrics.IoU);
        Assert.Equal(double.NaN, metrics.MeanIoU);
        Assert.Equal(double.NaN, metrics.PixelAccuracy);
        Assert.Equal(double.NaN, metrics.MeanAccuracy);
        Assert.Equal(double.NaN, metrics.FrequencyWeightedIoU);
        Assert.Equal(double.NaN, new PerImageMeanIoU(2).Mean);
    }

    [Fact]
    public void Per_image_measure_counts_255_as_background_and_only_the_labels_present()
    {
        var measure = new PerImageMeanIoU(3);
        // 0 (three pixels, one of them 255): two of four; 1: one of two; 2 is only predicted, so it is not part of the
        // mean.
        Assert.Equal(0.5, measure.Add([0, 0, 255, 1, 1], [0, 2, 0, 0, 1]), 1e-15);
        Assert.Equal(1, measure.Add([2], [2]), 1e-15);
        Assert.Equal(2, measure.Images);
        Assert.Equal(0.75, measure.Mean, 1e-15);
        Assert.Throws<ArgumentException>(() => measure.Add([], []));
        Assert.Throws<ArgumentException>(() => measure.Add([3], [0]));
        Assert.Equal(2, measure.Images);
    }

    [Fact]
    public void Measures_equal_numpys()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Golden", "metrics.json");
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = golden.RootElement;
        int classes = root.GetProperty("classes").GetInt32();
        var matrix = new ConfusionMatrix(classes);
        var perImage = new PerImageMeanIoU(classes);
        foreach (JsonElement image in root.GetProperty("images").EnumerateArray())
        {
            byte[] labels = Bytes(image.GetProperty("labels")), predictions = Bytes(image.GetProperty("predictions"));
            var part = new ConfusionMatrix(classes);
            part.Add(labels, predictions);
            matrix.Merge(part);
            Assert.Equal(image.GetProperty("meanIoU").GetDouble(), perImage.Add(labels, predictions), 1e-12);
        }

        for (int label = 0; label < classes; label++)
        {
            for (int prediction = 0; prediction < classes; prediction++)
                Assert.Equal(root.GetProperty("confusion")[label][prediction].GetInt64(), matrix[label, prediction]);
        }

        SegmentationMetrics metrics = SegmentationMetrics.From(matrix);
        for (int c = 0; c < classes; c++)
        {
            JsonElement iou = root.GetProperty("iou")[c];
            Assert.Equal(iou.ValueKind == JsonValueKind.Null ? double.NaN : iou.GetDouble(), metrics.IoU[c], 1e-12);
        }

        Assert.Equal(root.GetProperty("meanIoU").GetDouble(), metrics.MeanIoU, 1e-12);
        Assert.Equal(root.GetProperty("pixelAccuracy").GetDouble(), metrics.PixelAccuracy, 1e-12);
        Assert.Equal(root.GetProperty("meanAccuracy").GetDouble(), metrics.MeanAccuracy, 1e-12);
        Assert.Equal(root.GetProperty("frequencyWeightedIoU").GetDouble(), metrics.FrequencyWeightedIoU, 1e-12);
        Assert.Equal(root.GetProperty("perImageMeanIoU").GetDouble(), perImage.Mean, 1e-12);
    }

    private static byte[] Bytes(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetByte())];
}
