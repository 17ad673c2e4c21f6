using System.Xml.Linq;
using DeepLab.IO;
using DeepLab.Visualization;

namespace DeepLab.Reports;

/// <summary>A point of a curve.</summary>
internal readonly record struct ChartPoint(double X, double Y);

/// <summary>A curve of a chart.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Points">The curve, from left to right.</param>
/// <param name="Raw">What it is the mean of, drawn faintly behind it; or null.</param>
/// <param name="HasMarkers">Whether its points are marked.</param>
internal sealed record ChartSeries(string Name, IReadOnlyList<ChartPoint> Points, IReadOnlyList<ChartPoint>? Raw = null, bool HasMarkers = false);

/// <summary>A place of a chart whose numbers are shown when it is pointed at or has the focus.</summary>
/// <param name="X">Where it stands.</param>
/// <param name="Title">What place it is.</param>
/// <param name="Values">One number per series.</param>
internal sealed record ChartStop(double X, string Title, IReadOnlyList<string> Values);

/// <summary>
/// Curves as inline SVG. Only the plot is stretched to the width of the page; texts, lines and markers keep their size,
/// on a phone too.
/// </summary>
/// <param name="title">What is drawn, for those who do not see it.</param>
/// <param name="xLabel">What runs to the right.</param>
/// <param name="series">At most four curves.</param>
/// <param name="stops">The places with numbers, from left to right.</param>
internal sealed class LineChart(string title, string xLabel, IReadOnlyList<ChartSeries> series, IReadOnlyList<ChartStop> stops)
{
    /// <summary>The most places with numbers: more could not be pointed at.</summary>
    public const int MostStops = 50;

    private const int Height = 240, Top = 44, Bottom = 46, PlotUnits = 1000;

    private Axis _x = new(0, 1), _y = new(0, 1);

    /// <summary>The range of the vertical axis; what lies outside is cut off.</summary>
    public required (double From, double To) Range { get; init; }

    /// <summary>How the vertical axis writes its numbers.</summary>
    public Func<double, string> Format { get; init; } = Numbers.Round;

    /// <summary>At most <see cref="MostStops"/> of so many places, the last among them.</summary>
    public static IEnumerable<int> Spread(int places)
    {
        int count = Math.Min(MostStops, places);
        for (int i = 1; i <= count; i++) yield return (int)((long)i * places / count) - 1;
    }

    /// <summary>The chart with its legend, and the table of its numbers.</summary>
    /// <param name="caption">What stands under it.</param>
    public XElement ToFigure(string caption)
    {
        double[] places = [.. series.SelectMany(s => s.Points).Select(p => p.X)];
        double from = places.DefaultIfEmpty(0).Min(), to = places.DefaultIfEmpty(1).Max();
        _x = to > from ? new Axis(from, to) : new Axis(from - 1, to + 1);
        _y = Axis.Round(Range.From, Range.To);
        return Html.Element(
            "figure",
            Html.Class("chart"),
            series.Count > 1 ? Legend() : null,
            Html.Element("div", Html.Class("axes"), Html.Attribute("data-columns", stops.Count), VerticalAxis(), Plot()),
            Html.Element("figcaption", caption),
            Table());
    }

    private XElement Legend() => Html.Element("div", Html.Class("legend"), series.Select((s, i) => Html.Element(
        "span",
        Html.Element("svg", Html.Attribute("aria-hidden", "true"), Html.Element("line", Html.Class($"curve curve{i}"), Place("x1", 0), Place("x2", 1), Html.Attribute("y1", 6), Html.Attribute("y2", 6))),
        s.Name)));

    private XElement VerticalAxis() => Html.Element(
        "svg",
        Html.Attribute("width", "100%"),
        Html.Attribute("height", Top + Height + Bottom),
        Html.Attribute("aria-hidden", "true"),
        _y.Ticks(5).Select(t => Html.Element("text", Html.Attribute("x", "88%"), Html.Attribute("y", Top + Down(t) + 4), Html.Attribute("text-anchor", "end"), Format(t))));

    private XElement Plot() => Html.Element(
        "svg",
        Html.Attribute("width", "100%"),
        Html.Attribute("height", Top + Height + Bottom),
        Html.Attribute("role", "group"),
        Html.Attribute("aria-label", $"{title}: {stops.Count} places to read; the arrow keys go from one to the next"),
        Grid(),
        Html.Element(
            "svg",
            Html.Attribute("y", Top),
            Html.Attribute("width", "100%"),
            Html.Attribute("height", Height),
            Html.Attribute("viewBox", $"0 0 {PlotUnits} {Height}"),
            Html.Attribute("preserveAspectRatio", "none"),
            Html.Attribute("aria-hidden", "true"),
            series.Select((s, i) => s.Raw is null ? null : Curve(s.Raw, $"raw curve{i}")),
            series.Select((s, i) => Curve(s.Points, $"curve curve{i}"))),
        series.SelectMany((s, i) => s.HasMarkers ? s.Points.Select(p => Marker(p, i)) : []),
        Html.Element("g", Html.Class("stops"), Html.Element("text", Html.Class("hint"), Html.Attribute("x", 0), Html.Attribute("y", 14), "Point, tap or Tab for the numbers"), stops.Select(Stop)));

    private XElement Grid() => Html.Element(
        "g",
        Html.Class("grid"),
        Html.Attribute("aria-hidden", "true"),
        _y.Ticks(5).Select(t => Html.Element("line", Place("x1", 0), Place("x2", 1), Html.Attribute("y1", Top + Down(t)), Html.Attribute("y2", Top + Down(t)))),
        _x.Ticks(5).Select(t => Html.Element("text", Place("x", _x.ShareOf(t)), Html.Attribute("y", Top + Height + 19), Html.Attribute("text-anchor", Anchor(_x.ShareOf(t))), Numbers.Round(t))),
        Html.Element("text", Place("x", 0.5), Html.Attribute("y", Top + Height + 39), Html.Attribute("text-anchor", "middle"), xLabel));

    private XElement Curve(IReadOnlyList<ChartPoint> points, string style) => Html.Element(
        "polyline",
        Html.Class(style),
        Html.Attribute("points", string.Join(' ', points.Select(p => Numbers.Format($"{PlotUnits * _x.ShareOf(p.X):0.#},{Down(p.Y):0.#}")))));

    private XElement Marker(ChartPoint point, int index) => Html.Element(
        "circle", Html.Class($"marker value{index}"), Place("cx", _x.ShareOf(point.X)), Html.Attribute("cy", Top + Down(point.Y)), Html.Attribute("r", 5));

    private XElement Stop(ChartStop stop, int index)
    {
        double at = _x.ShareOf(stop.X);
        double left = index == 0 ? 0 : (at + _x.ShareOf(stops[index - 1].X)) / 2, right = index == stops.Count - 1 ? 1 : (at + _x.ShareOf(stops[index + 1].X)) / 2;
        return Html.Element(
            "g",
            Html.Class("stop"),
            Html.Attribute("tabindex", index == 0 ? 0 : -1),
            Html.Attribute("role", "img"),
            Html.Attribute("aria-label", $"{stop.Title}: {string.Join(", ", series.Zip(stop.Values, (s, v) => series.Count > 1 ? $"{s.Name} {v}" : v))}"),
            Html.Element("rect", Place("x", left), Place("width", Math.Max(right - left, 0)), Html.Attribute("y", Top), Html.Attribute("height", Height)),
            Html.Element("line", Place("x1", at), Place("x2", at), Html.Attribute("y1", Top), Html.Attribute("y2", Top + Height)),
            Html.Element("text", Html.Attribute("x", 0), Html.Attribute("y", 14), stop.Title),
            Html.Element("text", Html.Attribute("x", 0), Html.Attribute("y", 33), stop.Values.Select((v, i) => new object[] { Html.Element("tspan", Html.Class($"value{i}"), v), "  " })));
    }

    private XElement Table() => Html.Element(
        "details",
        Html.Element("summary", "Numbers of this chart"),
        Html.ScrollBox(
            $"{title}: numbers",
            Html.Element(
                "table",
                HtmlPage.TableHead(0, [xLabel, .. series.Select(s => s.Name)]),
                Html.Element("tbody", stops.Select(s => Html.Element("tr", HtmlPage.NumberCell(s.Title), s.Values.Select(HtmlPage.NumberCell)))))));

    private double Down(double y) => Math.Round(Height * (1 - Math.Clamp(_y.ShareOf(y), 0, 1)), 1);

    private static XAttribute Place(string name, double share) => Html.Attribute(name, Numbers.Format($"{100 * share:0.##}%"));

    private static string Anchor(double share) => share < 0.05 ? "start" : share > 0.95 ? "end" : "middle";
}
