using System.Xml.Linq;
using DeepLab.Reports;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class LineChartTests
{
    [Fact]
    public void Axes_end_at_round_numbers()
    {
        Assert.Equal(new Axis(0, 3), Axis.Round(0, 2.7));
        Assert.Equal(new Axis(-0.5, 1), Axis.Round(-0.13, 0.9));
        Axis flat = Axis.Round(5, 5);
        Assert.True(flat.From <= 5 && flat.To > 5);
        Assert.Equal([0, 2000, 4000, 6000, 8000, 10000], new Axis(0, 10000).Ticks(5));
        Assert.Equal([0.1, 0.2, 0.3], new Axis(0.05, 0.31).Ticks(3).Select(t => Math.Round(t, 12)));
    }

    [Fact]
    public void Curves_are_drawn_in_the_axes_and_what_is_outside_is_cut_off()
    {
        XElement figure = Chart([new ChartSeries("loss", [new(1, 0), new(2, 1), new(3, 9)])]).ToFigure("caption");

        Assert.Equal("0,240 500,120 1000,0", (string?)figure.Descendants("polyline").Single().Attribute("points"));
        Assert.Equal("caption", (string?)figure.Element("figcaption"));
        Assert.DoesNotContain(figure.Descendants(), e => (string?)e.Attribute("class") == "legend");
    }

    [Fact]
    public void Each_place_can_be_read_by_pointer_keyboard_and_in_a_table()
    {
        XElement figure = Chart([new ChartSeries("a", [new(1, 0), new(3, 1)]), new ChartSeries("b", [new(1, 2), new(3, 2)])]).ToFigure("");

        XElement[] stops = [.. figure.Descendants("g").Where(g => (string?)g.Attribute("class") == "stop")];
        Assert.Equal(["first: a 0.5, b 2", "last: a 1, b 2"], stops.Select(s => (string?)s.Attribute("aria-label")));
        Assert.Equal(["0", "-1"], stops.Select(s => (string?)s.Attribute("tabindex")));
        Assert.Equal(["0%", "50%"], stops.Select(s => (string?)s.Element("rect")!.Attribute("x")));
        Assert.Equal(["first0.52", "last12"], figure.Descendants("tbody").Single().Elements("tr").Select(r => r.Value));
        Assert.Equal(["xab"], figure.Descendants("thead").Select(h => h.Value));
    }

    private static LineChart Chart(IReadOnlyList<ChartSeries> series) =>
        new("title", "x", series, [new ChartStop(1, "first", ["0.5", "2"]), new ChartStop(3, "last", ["1", "2"])]) { Range = (0, 2) };
}
