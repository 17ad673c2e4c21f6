using System.Globalization;
using System.Text.Json;
using DeepLab.Evaluation;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class EvaluationReportTests
{
    private static readonly EvaluationReport Report = EvaluationReport.Create(
        "snapshots/VOC12_scenes_1000.safetensors",
        new SegmentationMetrics([0.91234, double.NaN, 0.5], 0.70617, 0.875, 0.8, 0.81),
        0.75,
        ["background", "cat", "Zug \"é\""]);

    [Fact]
    public void Json_has_the_documented_properties_in_order_and_null_for_NaN()
    {
        string json = EvaluationReport.ToJson([Report, Report]);
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(2, document.RootElement.GetArrayLength());
        JsonElement first = document.RootElement[0];
        string[] names = ["weights", "meanIoU", "perImageMeanIoU", "pixelAccuracy", "meanAccuracy", "frequencyWeightedIoU", "classes"];
        Assert.Equal(names, first.EnumerateObject().Select(p => p.Name));
        Assert.Equal("snapshots/VOC12_scenes_1000.safetensors", first.GetProperty("weights").GetString());
        double[] values = [0.70617, 0.75, 0.875, 0.8, 0.81];
        Assert.Equal(values, names[1..^1].Select(n => first.GetProperty(n).GetDouble()));
        JsonElement classes = first.GetProperty("classes");
        Assert.Equal(["name", "iou"], classes[0].EnumerateObject().Select(p => p.Name));
        Assert.Equal(0.91234, classes[0].GetProperty("iou").GetDouble());
        Assert.Equal(JsonValueKind.Null, classes[1].GetProperty("iou").ValueKind);
        Assert.Equal("Zug \"é\"", classes[2].GetProperty("name").GetString());
        Assert.Contains("é", json, StringComparison.Ordinal);
    }

    [Fact]
    public void No_report_is_an_empty_array() => Assert.Equal("[]\n", EvaluationReport.ToJson([]));

    [Fact]
    public void Table_lists_the_classes_then_the_measures_with_four_decimals_in_any_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        try
        {
            CultureInfo.CurrentCulture = commas;
            Assert.Equal(
                """
                class          IoU
                background  0.9123
                cat              -
                Zug "é"     0.5000
                mean IoU 0.7062
                per-image mean IoU 0.7500
                pixel accuracy 0.8750
                mean accuracy 0.8000
                frequency-weighted IoU 0.8100

                """.ReplaceLineEndings("\n"),
                Report.ToTable());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Each_class_needs_a_name() =>
        Assert.Throws<ArgumentException>(() => EvaluationReport.Create(
            "a", SegmentationMetrics.From(new ConfusionMatrix(2)), 0, ["background"]));
}
