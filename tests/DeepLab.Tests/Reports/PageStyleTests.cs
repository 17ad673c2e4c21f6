using System.Globalization;
using DeepLab.Reports;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class PageStyleTests
{
    public static TheoryData<string> Themes { get; } = ["light", "dark"];

    [Theory]
    [MemberData(nameof(Themes))]
    public void Every_text_contrasts_with_what_is_behind_it_by_at_least_4_5(string theme)
    {
        IReadOnlyDictionary<string, string> colors = Colors(theme);
        foreach (string text in (string[])["ink", "soft", "link", "curve0", "curve1", "curve2", "curve3"])
        {
            Assert.True(Contrast(colors[text], colors["page"]) >= 4.5, $"{text} on the page: {Contrast(colors[text], colors["page"])}");
            Assert.True(Contrast(colors[text], colors["panel"]) >= 4.5, $"{text} on a panel: {Contrast(colors[text], colors["panel"])}");
        }

        for (int step = 1; step <= PageStyle.HeatSteps; step++)
        {
            foreach (string kind in (string[])[$"hit{step}", $"miss{step}"])
                Assert.True(Contrast(colors[kind], colors[kind + "-ink"]) >= 4.5, $"{kind}: {Contrast(colors[kind], colors[kind + "-ink"])}");
        }
    }

    [Theory]
    [MemberData(nameof(Themes))]
    public void Steps_of_heat_go_away_from_the_page_one_by_one(string theme)
    {
        IReadOnlyDictionary<string, string> colors = Colors(theme);
        foreach (string kind in (string[])["hit", "miss"])
        {
            double[] contrasts = [.. Enumerable.Range(1, PageStyle.HeatSteps).Select(step => Contrast(colors[$"{kind}{step}"], colors["page"]))];
            Assert.Equal(contrasts.Order(), contrasts);
            Assert.True(contrasts[^1] >= 7);
        }
    }

    [Theory]
    [MemberData(nameof(Themes))]
    public void The_focus_ring_contrasts_with_the_page_by_at_least_3(string theme) => Assert.True(Contrast(Colors(theme)["focus"], Colors(theme)["page"]) >= 3);

    private static IReadOnlyDictionary<string, string> Colors(string theme) => theme == "light" ? PageStyle.Light : PageStyle.Dark;

    // WCAG 2.2, contrast ratio.
    private static double Contrast(string a, string b)
    {
        double first = Luminance(a), second = Luminance(b);
        return (Math.Max(first, second) + 0.05) / (Math.Min(first, second) + 0.05);
    }

    private static double Luminance(string color)
    {
        double Linear(int at)
        {
            double c = int.Parse(color.AsSpan(at, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0;
            return c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);
        }

        return (0.2126 * Linear(1)) + (0.7152 * Linear(3)) + (0.0722 * Linear(5));
    }
}
