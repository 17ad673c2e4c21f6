using System.Globalization;
using System.Text.Json;
using DeepLab.Crf;
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

    private static readonly EvaluationReport Refined = Report with
    {
        Trimap = [new TrimapScore(1, 20, 0.25, 0.5), new TrimapScore(40, 900, double.NaN, 0.75)],
        CrfOptions = new DenseCrfOptions { Iterations = 7 },
        Crf = EvaluationReport.Create("w", new SegmentationMetrics([0.95, double.NaN, 0.49], 0.72, 0.88, 0.81, 0.82), 0.76, ["background", "cat", "Zug \"é\""]) with
        {
            Trimap = [new TrimapScore(1, 20, 0.3, 0.6), new TrimapScore(40, 900, 0.4, 0.8)],
        },
    };

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
    public void Json_of_a_report_with_bands_and_a_crf_adds_them_after_the_plain_measures()
    {
        using JsonDocument document = JsonDocument.Parse(EvaluationReport.ToJson([Refined]));
        JsonElement report = document.RootElement[0];
        string[] measures = ["meanIoU", "perImageMeanIoU", "pixelAccuracy", "meanAccuracy", "frequencyWeightedIoU", "classes", "trimap"];
        Assert.Equal(["weights", .. measures, "crf"], report.EnumerateObject().Select(p => p.Name));
        Assert.Equal("""[{"width":1,"pixels":20,"meanIoU":0.25,"pixelAccuracy":0.5},{"width":40,"pixels":900,"meanIoU":null,"pixelAccuracy":0.75}]""", Compact(report.GetProperty("trimap")));
        JsonElement crf = report.GetProperty("crf");
        Assert.Equal(["options", .. measures], crf.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            """{"iterations":7,"smoothnessWeight":3,"smoothnessDeviation":1,"appearanceWeight":4,"appearanceDeviation":67,"colorDeviation":3}""", Compact(crf.GetProperty("options")));
        Assert.Equal(0.72, crf.GetProperty("meanIoU").GetDouble());
        Assert.Equal(0.95, crf.GetProperty("classes")[0].GetProperty("iou").GetDouble());
        Assert.Equal(0.3, crf.GetProperty("trimap")[0].GetProperty("meanIoU").GetDouble());
    }

    [Fact]
    public void Table_of_a_report_with_bands_and_a_crf_gives_both_next_to_each_other() => Assert.Equal(
        """
        class          IoU  with CRF
        background  0.9123    0.9500
        cat              -         -
        Zug "é"     0.5000    0.4900
        mean IoU 0.7062, with CRF 0.7200
        per-image mean IoU 0.7500, with CRF 0.7600
        pixel accuracy 0.8750, with CRF 0.8800
        mean accuracy 0.8000, with CRF 0.8100
        frequency-weighted IoU 0.8100, with CRF 0.8200
        boundary within  mean IoU  accuracy  mean IoU with CRF  accuracy with CRF
        1 pixel            0.2500    0.5000             0.3000             0.6000
        40 pixels               -    0.7500             0.4000             0.8000

        """.ReplaceLineEndings("\n"),
        Refined.ToTable());

    [Fact]
    public void Bands_alone_have_two_columns() => Assert.EndsWith(
        "\nboundary within  mean IoU  accuracy\n1 pixel            0.2500    0.5000\n40 pixels               -    0.7500\n", (Refined with { Crf = null }).ToTable(), StringComparison.Ordinal);

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

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);
}
