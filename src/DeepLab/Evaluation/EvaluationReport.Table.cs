using System.Globalization;
using System.Text;

namespace DeepLab.Evaluation;

/// <content>The report as a table.</content>
public sealed partial record EvaluationReport
{
    private const int Column = 10;

    /// <summary>
    /// The report as a plain text table: one line per class with its name and IoU ("-" for NaN), then
    /// <c>mean IoU 0.1234</c> and the other measures, one per line with 4 decimals, then one line per band of the
    /// trimap. With a CRF there is a second column, and the measures read <c>mean IoU 0.1234, with CRF 0.1250</c>.
    /// Every line ends in a line feed.
    /// </summary>
    public string ToTable()
    {
        const string Name = "class";
        int width = Classes.Select(c => c.Name.Length).Append(Name.Length).Max();
        var text = new StringBuilder();
        text.Append(Name.PadRight(width)).Append("     IoU").Append(Crf is null ? "" : "with CRF".PadLeft(Column)).Append('\n');
        for (int c = 0; c < Classes.Count; c++)
        {
            text.Append(Classes[c].Name.PadRight(width)).Append(Share(Classes[c].IoU).PadLeft(8));
            if (Crf is not null) text.Append(Share(Crf.Classes[c].IoU).PadLeft(Column));
            text.Append('\n');
        }

        AppendMeasure(text, "mean IoU", r => r.MeanIoU);
        AppendMeasure(text, "per-image mean IoU", r => r.PerImageMeanIoU);
        AppendMeasure(text, "pixel accuracy", r => r.PixelAccuracy);
        AppendMeasure(text, "mean accuracy", r => r.MeanAccuracy);
        AppendMeasure(text, "frequency-weighted IoU", r => r.FrequencyWeightedIoU);
        if (Trimap.Count > 0) AppendTrimap(text);
        return text.ToString();
    }

    private static string Share(double value) =>
        double.IsNaN(value) ? "-" : value.ToString("0.0000", CultureInfo.InvariantCulture);

    private void AppendMeasure(StringBuilder text, string name, Func<EvaluationReport, double> measure)
    {
        text.Append(name).Append(' ').Append(Share(measure(this)));
        if (Crf is not null) text.Append(", with CRF ").Append(Share(measure(Crf)));
        text.Append('\n');
    }

    private void AppendTrimap(StringBuilder text)
    {
        const string Near = "boundary within";
        text.Append(Near).Append("  mean IoU").Append("  accuracy").Append(Crf is null ? "" : "  mean IoU with CRF  accuracy with CRF").Append('\n');
        for (int i = 0; i < Trimap.Count; i++)
        {
            TrimapScore band = Trimap[i];
            text.Append($"{band.Width} pixel{(band.Width == 1 ? "" : "s")}".PadRight(Near.Length)).Append(Share(band.MeanIoU).PadLeft(Column)).Append(Share(band.PixelAccuracy).PadLeft(Column));
            if (Crf is not null) text.Append(Share(Crf.Trimap[i].MeanIoU).PadLeft(19)).Append(Share(Crf.Trimap[i].PixelAccuracy).PadLeft(19));
            text.Append('\n');
        }
    }
}
