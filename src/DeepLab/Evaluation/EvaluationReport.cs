using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DeepLab.Evaluation;

/// <summary>The intersection over union of one class.</summary>
/// <param name="Name">The class's name.</param>
/// <param name="IoU">0 to 1, or NaN where the class is in neither the labels nor the predictions.</param>
public sealed record ClassIoU(string Name, double IoU);

/// <summary>What the evaluation of one snapshot found. Shares lie in [0, 1]; NaN stands for "nothing to measure".</summary>
/// <param name="Weights">The path of the weights file.</param>
/// <param name="MeanIoU">See <see cref="SegmentationMetrics.MeanIoU"/>.</param>
/// <param name="PerImageMeanIoU">See <see cref="Evaluation.PerImageMeanIoU"/>.</param>
/// <param name="PixelAccuracy">See <see cref="SegmentationMetrics.PixelAccuracy"/>.</param>
/// <param name="MeanAccuracy">See <see cref="SegmentationMetrics.MeanAccuracy"/>.</param>
/// <param name="FrequencyWeightedIoU">See <see cref="SegmentationMetrics.FrequencyWeightedIoU"/>.</param>
/// <param name="Classes">The classes in the order of their labels.</param>
public sealed record EvaluationReport(
    string Weights,
    double MeanIoU,
    double PerImageMeanIoU,
    double PixelAccuracy,
    double MeanAccuracy,
    double FrequencyWeightedIoU,
    IReadOnlyList<ClassIoU> Classes)
{
    /// <summary>Puts a report together from the measures and the classes' names.</summary>
    /// <param name="weights">The path of the weights file.</param>
    /// <param name="metrics">The measures of all images together.</param>
    /// <param name="perImageMeanIoU">The mean of the images' own mean IoU.</param>
    /// <param name="classNames">A name a class, in the order of the labels.</param>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    public static EvaluationReport Create(
        string weights, SegmentationMetrics metrics, double perImageMeanIoU, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(metrics);
        ArgumentNullException.ThrowIfNull(classNames);
        if (classNames.Count != metrics.IoU.Count)
            throw new ArgumentException($"{classNames.Count} names were given for {metrics.IoU.Count} classes", nameof(classNames));
        return new EvaluationReport(
            weights, metrics.MeanIoU, perImageMeanIoU, metrics.PixelAccuracy, metrics.MeanAccuracy,
            metrics.FrequencyWeightedIoU, [.. classNames.Zip(metrics.IoU, (name, iou) => new ClassIoU(name, iou))]);
    }

    /// <summary>
    /// The reports as a JSON array, an object each with <c>weights</c>, <c>meanIoU</c>, <c>perImageMeanIoU</c>,
    /// <c>pixelAccuracy</c>, <c>meanAccuracy</c>, <c>frequencyWeightedIoU</c> and <c>classes: [{name, iou}]</c>;
    /// NaN is <c>null</c>.
    /// </summary>
    public static string ToJson(IEnumerable<EvaluationReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        using var stream = new MemoryStream();
        // The file is no part of a web page, so paths and names stay readable: only what JSON itself asks for is escaped.
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartArray();
            foreach (EvaluationReport report in reports) report.Write(json);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    /// <summary>
    /// The report as a plain text table: a line a class with its name and IoU ("-" for NaN), then <c>mean IoU 0.1234</c>
    /// and the other measures, a line each with 4 decimals. Every line ends in a line feed.
    /// </summary>
    public string ToTable()
    {
        const string Name = "class";
        int width = Classes.Select(c => c.Name.Length).Append(Name.Length).Max();
        var text = new StringBuilder();
        text.Append(Name.PadRight(width)).Append("     IoU\n");
        foreach (ClassIoU c in Classes) text.Append(c.Name.PadRight(width)).Append(Share(c.IoU).PadLeft(8)).Append('\n');
        text.Append("mean IoU ").Append(Share(MeanIoU)).Append('\n');
        text.Append("per-image mean IoU ").Append(Share(PerImageMeanIoU)).Append('\n');
        text.Append("pixel accuracy ").Append(Share(PixelAccuracy)).Append('\n');
        text.Append("mean accuracy ").Append(Share(MeanAccuracy)).Append('\n');
        text.Append("frequency-weighted IoU ").Append(Share(FrequencyWeightedIoU)).Append('\n');
        return text.ToString();
    }

    private static string Share(double value) =>
        double.IsNaN(value) ? "-" : value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static void WriteShare(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsNaN(value)) json.WriteNull(name);
        else json.WriteNumber(name, value);
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("weights", Weights);
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
        json.WriteEndObject();
    }
}
