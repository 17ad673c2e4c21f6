using System.Xml.Linq;
using DeepLab.Evaluation;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>A confusion matrix as a heat map, and its largest entries as a list.</summary>
/// <param name="matrix">The counts.</param>
/// <param name="names">One name per class.</param>
internal sealed class ConfusionTable(ConfusionMatrix matrix, IReadOnlyList<string> names)
{
    private const int MostClasses = 64, MostConfusions = 12;

    // A share below the n-th is of the n-th step of color. Confusions are small where a network is any good, so the
    // steps are finer there.
    private static readonly double[] StepEnds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8];

    private readonly long[] _labelled = [.. Enumerable.Range(0, matrix.Classes).Select(label => Enumerable.Range(0, matrix.Classes).Sum(p => matrix[label, p]))];

    /// <summary>The heat map: one row per class of the labels, its cells shares of that row.</summary>
    public IEnumerable<XElement> ToHeatMap()
    {
        int[] shown = [.. Enumerable.Range(0, matrix.Classes).OrderByDescending(c => _labelled[c]).Take(MostClasses).Order()];
        yield return Html.Element("p", "Labels in rows, predictions in columns: the cells of a row tell in percent what the pixels of its class were taken for, right in blue and wrong in orange.");
        if (shown.Length < matrix.Classes)
            yield return Html.Element("p", Html.Class("note"), $"The {shown.Length} of {matrix.Classes} classes with the most labelled pixels are shown; shares are of all pixels of a row's class.");
        yield return Scale();
        XElement head = Html.Element(
            "tr", Html.Element("td"), shown.Select(c => Html.Element("th", Html.Attribute("scope", "col"), Html.Attribute("title", names[c]), Html.Name(names[c]))));
        XElement table = Html.Element(
            "table",
            Html.Class("matrix"),
            Html.Attribute("data-columns", shown.Length),
            Html.Element("thead", head),
            Html.Element("tbody", shown.Select(label => Row(label, shown, isFirst: label == shown[0]))));
        yield return Html.Element("p", Html.Class("note"), "Point at a cell or tap it, or Tab to the matrix and use the arrow keys: its numbers stand at the foot of the window.");
        yield return Html.ScrollBox("Confusion matrix: labels in rows, predictions in columns, percent of the row", table);
    }

    /// <summary>The confusions of the most pixels.</summary>
    public IEnumerable<XElement> ToList()
    {
        (int Label, int Prediction, long Pixels)[] largest =
        [
            .. Enumerable.Range(0, matrix.Classes).SelectMany(label => Enumerable.Range(0, matrix.Classes).Select(p => (Label: label, Prediction: p, Pixels: matrix[label, p])))
                .Where(c => c.Label != c.Prediction && c.Pixels > 0).OrderByDescending(c => c.Pixels).Take(MostConfusions),
        ];
        if (largest.Length == 0) yield break;
        yield return Html.Element("h3", "The largest confusions");
        yield return Html.ScrollBox("The largest confusions", Html.Element(
            "table",
            HtmlPage.TableHead(2, "Label", "Taken for", "Pixels", "Of the label's"),
            Html.Element("tbody", largest.Select(c => Html.Element(
                "tr",
                Html.Element("th", Html.Attribute("scope", "row"), Html.Name(names[c.Label])),
                Html.Element("td", Html.Name(names[c.Prediction])),
                HtmlPage.NumberCell(Numbers.Count(c.Pixels)),
                HtmlPage.NumberCell(Numbers.Percent(c.Pixels / (double)_labelled[c.Label])))))));
    }

    private XElement Row(int label, int[] shown, bool isFirst) => Html.Element(
        "tr",
        Html.Element("th", Html.Attribute("scope", "row"), Html.Attribute("title", names[label]), Html.Name(names[label])),
        shown.Select((prediction, i) => Cell(label, prediction, isFirst && i == 0)));

    private XElement Cell(int label, int prediction, bool isFirst)
    {
        long pixels = matrix[label, prediction];
        double share = pixels / (double)_labelled[label];
        string number = pixels == 0 ? "" : share < StepEnds[0] ? "<1" : Numbers.Format($"{100 * share:0}");
        string found = label == prediction ? "found" : $"taken for {names[prediction]}";
        string what = _labelled[label] == 0 ? "no pixel has this label" : $"{Numbers.Percent(share)} ({Numbers.Count(pixels)} of {Numbers.Count(_labelled[label])} pixels)";
        return Html.Element(
            "td",
            pixels == 0 ? null : Html.Class((label == prediction ? "hit" : "miss") + Step(share)),
            Html.Attribute("tabindex", isFirst ? 0 : -1),
            number,
            Html.Element("span", Html.Class("tip"), $"{names[label]} {found}: {what}"));
    }

    private static int Step(double share) => 1 + StepEnds.Count(end => share >= end);

    private static XElement Scale()
    {
        XElement Ramp(string kind) => Html.Element(
            "svg",
            Html.Attribute("aria-hidden", "true"),
            Enumerable.Range(1, PageStyle.HeatSteps).Select(step => Html.Element(
                "rect", Html.Class($"{kind}{step}"), Html.Attribute("x", $"{(step - 1) * 100 / PageStyle.HeatSteps}%"), Html.Attribute("width", $"{100 / PageStyle.HeatSteps}%"), Html.Attribute("height", "100%"))));
        return Html.Element(
            "div",
            Html.Class("scale"),
            Html.Element("span", "right ", Ramp("hit")),
            Html.Element("span", "wrong ", Ramp("miss")),
            Html.Element("span", $"steps at {string.Join(", ", StepEnds.Select(e => Numbers.Format($"{100 * e:0.#}")))} %"));
    }
}
