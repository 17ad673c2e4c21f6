using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>A part of a page with a heading of its own.</summary>
/// <param name="Id">What links to it name.</param>
/// <param name="Title">The heading.</param>
/// <param name="Content">What stands under it.</param>
internal sealed record PageSection(string Id, string Title, params object?[] Content);

/// <summary>
/// The shell of a page: one file that fetches nothing. Its policy forbids all network, all styles but its own and all
/// scripts but <see cref="PageScript"/>, so that nothing in a name or a picture could run or be fetched.
/// </summary>
internal static class HtmlPage
{
    /// <summary>Writes a page, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">The heading of the page.</param>
    /// <param name="subject">What it is about: a file or a folder.</param>
    /// <param name="keyFigures">The figures to see first, each with what it is.</param>
    /// <param name="sections">The parts.</param>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, string title, string subject, IReadOnlyList<(string Label, string Value)> keyFigures, IReadOnlyList<PageSection> sections)
    {
        XElement page = Html.Element(
            "html",
            Html.Attribute("lang", "en"),
            Head($"{title}: {subject}"),
            Html.Element(
                "body",
                Html.Element("a", Html.Class("skip"), Html.Attribute("href", "#main"), "Skip to the content"),
                Html.Element("header", Html.Element("h1", title), Html.Element("p", Html.Class("subject"), Html.Name(subject)), Contents(sections)),
                Html.Element(
                    "main",
                    Html.Attribute("id", "main"),
                    Html.Element("dl", Html.Class("figures"), keyFigures.Select(f => Html.Element("div", Html.Element("dt", f.Label), Html.Element("dd", f.Value)))),
                    sections.Select(Section)),
                Html.Element("script", PageScript.Text)));
        AtomicFile.Write(path, stream => Html.Write(stream, page));
    }

    /// <summary>A list of facts: a term and what it is.</summary>
    public static XElement Facts(IEnumerable<(string Term, string Value)> facts) =>
        Html.Element("dl", Html.Class("facts"), facts.Select(f => new[] { Html.Element("dt", f.Term), Html.Element("dd", Html.Name(f.Value)) }));

    /// <summary>
    /// A table's head: a row of names; those after <paramref name="textColumns"/> stand over numbers.
    /// </summary>
    public static XElement TableHead(int textColumns, params string[] names) => Html.Element(
        "thead",
        Html.Element("tr", names.Select((n, i) => Html.Element("th", Html.Attribute("scope", "col"), i < textColumns ? null : Html.Class("number"), n))));

    /// <summary>A cell with a number.</summary>
    public static XElement NumberCell(string number) => Html.Element("td", Html.Class("number"), number);

    private static XElement Head(string title) => Html.Element(
        "head",
        Html.Element("meta", Html.Attribute("charset", "utf-8")),
        Html.Element("meta", Html.Attribute("http-equiv", "Content-Security-Policy"), Html.Attribute("content", Policy)),
        Html.Element("meta", Html.Attribute("name", "viewport"), Html.Attribute("content", "width=device-width, initial-scale=1")),
        Html.Element("meta", Html.Attribute("name", "color-scheme"), Html.Attribute("content", "light dark")),
        Html.Element("title", title),
        Html.Element("style", PageStyle.Text));

    private static string Policy =>
        $"default-src 'none'; img-src data:; style-src '{Hash(PageStyle.Text)}'; script-src '{Hash(PageScript.Text)}'; base-uri 'none'; form-action 'none'";

    private static XElement Contents(IReadOnlyList<PageSection> sections) => Html.Element(
        "nav",
        Html.Attribute("aria-label", "Contents"),
        Html.Element("ul", sections.Select(s => Html.Element("li", Html.Element("a", Html.Attribute("href", "#" + s.Id), s.Title)))));

    private static XElement Section(PageSection section) => Html.Element(
        "section",
        Html.Attribute("id", section.Id),
        Html.Attribute("aria-labelledby", section.Id + "-title"),
        Html.Element("h2", Html.Attribute("id", section.Id + "-title"), section.Title),
        section.Content);

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
