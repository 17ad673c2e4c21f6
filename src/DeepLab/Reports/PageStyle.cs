using System.Globalization;
using System.Text;

namespace DeepLab.Reports;

/// <summary>The style of a page, for light and dark, from a phone's width up.</summary>
internal static class PageStyle
{
    /// <summary>Steps of a heat map's colors, 1 to this; step 0 has none.</summary>
    public const int HeatSteps = 10;

    /// <summary>The colors of the light theme, by the names of their variables.</summary>
    public static IReadOnlyDictionary<string, string> Light { get; } = Theme(
        new Dictionary<string, string>
        {
            ["page"] = "#ffffff",
            ["panel"] = "#f3f5f7",
            ["ink"] = "#1b1f24",
            ["soft"] = "#535b66",
            ["line"] = "#cfd5db",
            ["link"] = "#1a56b0",
            ["focus"] = "#b0005c",
            ["curve0"] = "#1a56b0",
            ["curve1"] = "#a24a00",
            ["curve2"] = "#14733a",
            ["curve3"] = "#7b2fbe",
        },
        hit: ((222, 235, 250), (11, 62, 140)),
        miss: ((255, 232, 208), (140, 40, 0)));

    /// <summary>The colors of the dark theme, by the names of their variables.</summary>
    public static IReadOnlyDictionary<string, string> Dark { get; } = Theme(
        new Dictionary<string, string>
        {
            ["page"] = "#13161a",
            ["panel"] = "#1d2228",
            ["ink"] = "#e8ebef",
            ["soft"] = "#a9b2bd",
            ["line"] = "#3a424c",
            ["link"] = "#86b8ff",
            ["focus"] = "#ffbf47",
            ["curve0"] = "#7fb5ff",
            ["curve1"] = "#ffb05c",
            ["curve2"] = "#6ed394",
            ["curve3"] = "#cda5ff",
        },
        hit: ((24, 40, 66), (150, 200, 255)),
        miss: ((62, 36, 18), (255, 176, 110)));

    /// <summary>The style sheet. It holds no character that would need escaping.</summary>
    public static string Text { get; } = Build();

    private static string Build()
    {
        var css = new StringBuilder("\n:root { color-scheme: light dark;");
        Variables(css, Light);
        css.Append(" }\n@media (prefers-color-scheme: dark) { :root {");
        Variables(css, Dark);
        css.Append(" } }\n").Append(Rules.ReplaceLineEndings("\n"));
        for (int step = 1; step <= HeatSteps; step++)
        {
            foreach (string kind in new[] { "hit", "miss" })
                css.Append(CultureInfo.InvariantCulture, $"td.{kind}{step}, rect.{kind}{step} {{ background: var(--{kind}{step}); fill: var(--{kind}{step}); color: var(--{kind}{step}-ink); }}\n");
        }

        return css.ToString();
    }

    private static Dictionary<string, string> Theme(Dictionary<string, string> colors, (Color From, Color To) hit, (Color From, Color To) miss)
    {
        foreach ((string kind, (Color from, Color to)) in new[] { ("hit", hit), ("miss", miss) })
        {
            for (int step = 1; step <= HeatSteps; step++)
            {
                Color color = Color.Mix(from, to, (step - 1.0) / (HeatSteps - 1));
                colors[$"{kind}{step}"] = color.ToString();
                colors[$"{kind}{step}-ink"] = color.Luminance > 0.179 ? "#000000" : "#ffffff";
            }
        }

        return colors;
    }

    private static void Variables(StringBuilder css, IReadOnlyDictionary<string, string> colors)
    {
        foreach ((string name, string value) in colors) css.Append(CultureInfo.InvariantCulture, $" --{name}: {value};");
    }

    private readonly record struct Color(double R, double G, double B)
    {
        /// <summary>Relative luminance, 0 to 1 (WCAG 2.2). Black and white text contrast with 0.179 equally.</summary>
        public double Luminance => (0.2126 * Linear(R)) + (0.7152 * Linear(G)) + (0.0722 * Linear(B));

        public static implicit operator Color((int R, int G, int B) c) => new(c.R, c.G, c.B);

        public static Color Mix(Color a, Color b, double share) => new(a.R + (share * (b.R - a.R)), a.G + (share * (b.G - a.G)), a.B + (share * (b.B - a.B)));

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{(int)Math.Round(R):x2}{(int)Math.Round(G):x2}{(int)Math.Round(B):x2}");

        private static double Linear(double channel) => channel / 255 <= 0.04045 ? channel / 255 / 12.92 : Math.Pow(((channel / 255) + 0.055) / 1.055, 2.4);
    }

    private const string Rules =
        """
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0 0; }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
        h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; overflow-wrap: anywhere; }
        p { margin: 0.5rem 0; max-width: 48rem; }
        h1, h3, .subject, .key, figcaption { overflow-wrap: anywhere; }
        a { color: var(--link); }
        .subject, .note, figcaption { color: var(--soft); }
        .skip { position: absolute; left: -999rem; }
        .skip:focus { left: 1rem; top: 0.5rem; padding: 0.5rem 1rem; background: var(--page); z-index: 3; }
        :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
        nav ul { list-style: none; margin: 0.75rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
        nav a { display: inline-block; padding: 0.25rem 0; }
        dl, dd { margin: 0; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
        .figures div { background: var(--panel); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.6rem 0.8rem; }
        .figures dt { color: var(--soft); font-size: 0.875rem; }
        .figures dd { font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
        .facts { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.35rem 1.25rem; }
        .facts dt { color: var(--soft); }
        .facts dd { min-width: 0; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; max-width: 100%; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); font-weight: normal; vertical-align: middle; }
        thead th { color: var(--soft); vertical-align: bottom; }
        th.number, td.number { text-align: right; white-space: nowrap; }
        .best { font-weight: 600; }
        tbody th { white-space: nowrap; }
        tbody bdi { display: inline-block; max-width: 20rem; white-space: normal; overflow-wrap: break-word; vertical-align: middle; }
        .bar { display: block; width: 100%; min-width: 5rem; height: 0.75rem; }
        .bars { width: 100%; }
        .bars td.wide { width: 55%; }
        .track { fill: var(--panel); stroke: var(--line); }
        .fill { fill: var(--curve0); }
        .swatch { width: 0.9rem; height: 0.9rem; vertical-align: -0.1rem; margin-right: 0.5rem; }
        .swatch rect { stroke: var(--soft); }
        figure { position: relative; margin: 1rem 0; }
        details { margin: 0.75rem 0; }
        summary { cursor: pointer; color: var(--link); padding: 0.25rem 0; }
        .tip { position: fixed; visibility: hidden; bottom: 0; left: 0; right: 0; padding: 0.6rem 1rem; background: var(--panel); color: var(--ink); border-top: 2px solid var(--soft); font-size: 0.95rem; text-align: center; overflow-wrap: anywhere; z-index: 2; }
        td:hover .tip, td:focus .tip { visibility: visible; }
        td:hover .tip { z-index: 3; }
        .matrix th, .matrix td { padding: 0; border: 1px solid var(--page); }
        .matrix td { width: 2.6rem; min-width: 2.2rem; height: 2rem; text-align: center; font-size: 0.8rem; background: var(--panel); }
        .matrix thead td { background: none; }
        .matrix td:hover { outline: 2px solid var(--ink); outline-offset: -2px; }
        .matrix td { scroll-margin-bottom: 6rem; scroll-margin-left: 9rem; }
        .matrix td:focus { outline: 3px solid var(--focus); outline-offset: -3px; }
        .matrix tbody th { position: sticky; left: 0; background: var(--page); padding-right: 0.5rem; text-align: right; z-index: 1; }
        .matrix tbody th bdi { max-width: 8rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; vertical-align: middle; }
        .matrix thead th { height: 7.5rem; vertical-align: bottom; }
        .matrix thead bdi { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 7.25rem; padding-top: 0.35rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; margin: 0 auto; display: block; }
        .scale { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: center; margin: 0.75rem 0; color: var(--soft); font-size: 0.875rem; }
        .scale svg { width: 12.5rem; max-width: 100%; height: 1rem; }
        .chart svg { display: block; overflow: visible; }
        .axes { display: grid; grid-template-columns: 3.6rem minmax(0, 1fr); padding-right: 1rem; }
        .axes text { fill: var(--soft); font-size: 13px; }
        .grid line { stroke: var(--line); }
        .raw { fill: none; opacity: 0.3; vector-effect: non-scaling-stroke; }
        .curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
        .curve0 { stroke: var(--curve0); stroke-width: 2.5; }
        .curve1 { stroke: var(--curve1); stroke-dasharray: 7 3; }
        .curve2 { stroke: var(--curve2); stroke-dasharray: 2 3; }
        .curve3 { stroke: var(--curve3); stroke-dasharray: 10 3 2 3; }
        .raw { stroke-dasharray: none; stroke-width: 1; }
        .marker { stroke: var(--page); stroke-width: 1.5; }
        .legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0.5rem 0; font-size: 0.9rem; }
        .legend svg { width: 2rem; height: 0.75rem; vertical-align: middle; margin-right: 0.4rem; display: inline-block; }
        .hint { fill: var(--soft); }
        .stops:has(.stop:hover, .stop:focus) .hint { visibility: hidden; }
        .stop rect { fill: transparent; }
        .stop line { stroke: transparent; }
        .stop text { visibility: hidden; fill: var(--ink); }
        .stop:hover line, .stop:focus line { stroke: var(--soft); }
        .stop:hover text, .stop:focus text { visibility: visible; }
        .stop:focus { outline: none; }
        .stop:focus rect { stroke: var(--focus); stroke-width: 2; }
        .stops:has(.stop:hover) .stop:focus:not(:hover) text { visibility: hidden; }
        .value0 { fill: var(--curve0); }
        .value1 { fill: var(--curve1); }
        .value2 { fill: var(--curve2); }
        .value3 { fill: var(--curve3); }
        .pictures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0.5rem; }
        .pictures.five { grid-template-columns: repeat(5, minmax(0, 1fr)); }
        .key { display: flex; flex-wrap: wrap; gap: 0.15rem 1rem; font-size: 0.85rem; max-width: none; }
        .pictures figure { margin: 0; }
        .pictures img { display: block; width: 100%; height: auto; background: var(--panel); border-radius: 0.25rem; }
        .pictures figcaption { font-size: 0.85rem; padding-top: 0.15rem; }
        @media (max-width: 44rem) { .pictures, .pictures.five { grid-template-columns: repeat(2, minmax(0, 1fr)); } .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 0.6rem; } }
        @media print { nav, .skip { display: none; } }

        """;
}
