using System.Text.Json;
using DeepLab.Crf;
using DeepLab.IO;

namespace DeepLab.Evaluation;

/// <content>The report as JSON.</content>
public sealed partial record EvaluationReport
{
    /// <summary>
    /// The reports as a JSON array, an object each with <c>weights</c>, <c>meanIoU</c>, <c>perImageMeanIoU</c>,
    /// <c>pixelAccuracy</c>, <c>meanAccuracy</c>, <c>frequencyWeightedIoU</c> and <c>classes: [{name, iou}]</c>; where
    /// they were asked for, <c>trimap: [{width, pixels, meanIoU, pixelAccuracy}]</c> and <c>crf</c>, an object with the
    /// same measures of the refined predictions and its <c>options</c>. NaN is <c>null</c>.
    /// </summary>
    public static string ToJson(IEnumerable<EvaluationReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        return JsonText.Of(json =>
        {
            json.WriteStartArray();
            foreach (EvaluationReport report in reports) report.Write(json);
            json.WriteEndArray();
        });
    }

    private static void WriteShare(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsNaN(value)) json.WriteNull(name);
        else json.WriteNumber(name, value);
    }

    private static void Write(Utf8JsonWriter json, DenseCrfOptions options)
    {
        json.WriteStartObject("options");
        json.WriteNumber("iterations", options.Iterations);
        json.WriteNumber("smoothnessWeight", options.SmoothnessWeight);
        json.WriteNumber("smoothnessDeviation", options.SmoothnessDeviation);
        json.WriteNumber("appearanceWeight", options.AppearanceWeight);
        json.WriteNumber("appearanceDeviation", options.AppearanceDeviation);
        json.WriteNumber("colorDeviation", options.ColorDeviation);
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("weights", Weights);
        WriteMeasures(json);
        if (Crf is not null)
        {
            json.WriteStartObject("crf");
            if (CrfOptions is not null) Write(json, CrfOptions);
            Crf.WriteMeasures(json);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void WriteMeasures(Utf8JsonWriter json)
    {
        WriteShare(json, "meanIoU", MeanIoU);
        WriteShare(json, "perImageMeanIoU", PerImageMeanIoU);
        WriteShare(json, "pixelAccuracy", PixelAccuracy);
        WriteShare(json, "meanAccuracy", MeanAccuracy);
        WriteShare(json, "frequencyWeightedIoU", FrequencyWeightedIoU);
        json.WriteStartArray("classes");
        foreach (ClassIoU c in Classes)
        {
            json.WriteStartObject();
            json.WriteString("name", c.Name);
            WriteShare(json, "iou", c.IoU);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (Trimap.Count == 0) return;
        json.WriteStartArray("trimap");
        foreach (TrimapScore band in Trimap)
        {
            json.WriteStartObject();
            json.WriteNumber("width", band.Width);
            json.WriteNumber("pixels", band.Pixels);
            WriteShare(json, "meanIoU", band.MeanIoU);
            WriteShare(json, "pixelAccuracy", band.PixelAccuracy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
