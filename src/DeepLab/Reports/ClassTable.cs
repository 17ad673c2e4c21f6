using System.Xml.Linq;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>The table of classes with bars.</summary>
internal static class ClassTable
{
    /// <summary>The classes of a report, which has its confusion matrix.</summary>
    public static IEnumerable<XElement> Of(EvaluationReport report, Palette palette)
    {
        EvaluationReport final = report.Crf ?? report;
        ConfusionMatrix matrix = final.Confusion!;
        long total = matrix.Pixels;
        XElement Row(int c)
        {
            long labelled = Enumerable.Range(0, matrix.Classes).Sum(p => matrix[c, p]), predicted = Enumerable.Range(0, matrix.Classes).Sum(l => matrix[l, c]);
            return Html.Element(
                "tr",
                Html.Element("th", Html.Attribute("scope", "row"), Swatch(palette, c), Html.Name(final.Classes[c].Name)),
                Html.Element("td", Html.Class("wide"), Bar(final.Classes[c].IoU)),
                report.Crf is null ? null : HtmlPage.NumberCell(Numbers.Percent(report.Classes[c].IoU)),
                HtmlPage.NumberCell(Numbers.Percent(final.Classes[c].IoU)),
                HtmlPage.NumberCell(Numbers.Percent(matrix[c, c] / (double)labelled)),
                HtmlPage.NumberCell(Numbers.Percent(matrix[c, c] / (double)predicted)),
                HtmlPage.NumberCell(Numbers.Percent(labelled / (double)total)));
        }

        string[] iou = report.Crf is null ? ["IoU"] : ["IoU", "with CRF"];
        yield return Html.Element(
            "p", Html.Class("note"), "IoU; recall, the share of a class's pixels that is found; precision, the share of what was taken for it that is right; its share of the labelled pixels.");
        yield return Html.ScrollBox("Classes", Html.Element(
            "table",
            Html.Class("bars"),
            HtmlPage.TableHead(2, ["Class", "", .. iou, "Recall", "Precision", "Share"]),
            Html.Element("tbody", Enumerable.Range(0, matrix.Classes).Select(Row))));
    }

    /// <summary>A class's color.</summary>
    public static XElement Swatch(Palette palette, int label)
    {
        (byte r, byte g, byte b) = palette[label];
        return Html.Element("svg", Html.Class("swatch"), Html.Attribute("aria-hidden", "true"), Html.Element("rect", Html.Attribute("width", "100%"), Html.Attribute("height", "100%"), Html.Attribute("fill", $"#{r:x2}{g:x2}{b:x2}")));
    }

    private static XElement Bar(double share) => Html.Element(
        "svg",
        Html.Class("bar"),
        Html.Attribute("aria-hidden", "true"),
        Html.Element("rect", Html.Class("track"), Html.Attribute("width", "100%"), Html.Attribute("height", "100%")),
        double.IsNaN(share) ? null : Html.Element("rect", Html.Class("fill"), Html.Attribute("width", Numbers.Format($"{100 * share:0.##}%")), Html.Attribute("height", "100%")));
}
