using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace DeepLab.Tests.Reports;

/// <summary>A written page, read back as XML.</summary>
internal sealed partial class ReportPage
{
    private const string Doctype = "<!DOCTYPE html>\n";

    private readonly string _text;

    public ReportPage(string path)
    {
        _text = File.ReadAllText(path);
        Assert.StartsWith(Doctype, _text, StringComparison.Ordinal);
        Root = XDocument.Parse(_text[Doctype.Length..], LoadOptions.PreserveWhitespace).Root!;
    }

    public XElement Root { get; }

    public int Length => _text.Length;

    public XElement Section(string id) => Root.Descendants("section").Single(s => (string?)s.Attribute("id") == id);

    public IEnumerable<XElement> OfClass(string name) => Root.Descendants().Where(e => ((string?)e.Attribute("class") ?? "").Split(' ').Contains(name));

    /// <summary>
    /// Invariants of every page: it fetches nothing, runs only its own script, and everything in it has a name.
    /// </summary>
    public void AssertSound()
    {
        string policy = (string)Root.Descendants("meta").Single(m => (string?)m.Attribute("http-equiv") == "Content-Security-Policy").Attribute("content")!;
        Assert.Equal($"default-src 'none'; img-src data:; style-src '{Hash("style")}'; script-src '{Hash("script")}'; base-uri 'none'; form-action 'none'", policy);
        string[] ids = [.. Root.Descendants().Attributes("id").Select(a => a.Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(Root.Descendants().Attributes("src"), a => Assert.StartsWith("data:image/", a.Value, StringComparison.Ordinal));
        Assert.All(Root.Descendants().Attributes("href"), a => Assert.Contains(a.Value[1..], ids));
        Assert.All(Root.Descendants().Attributes("aria-labelledby"), a => Assert.Contains(a.Value, ids));
        Assert.DoesNotContain(Root.Descendants().Attributes(), a => a.Name.LocalName == "style" || a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.DoesNotMatch(@"https?:|url\(|@import", _text);
        Assert.All(Root.Descendants("img"), i => Assert.NotEqual("", (string?)i.Attribute("alt")));
        Assert.All(Root.Descendants("svg").Where(s => !s.AncestorsAndSelf().Any(a => (string?)a.Attribute("aria-hidden") == "true")), s => Assert.NotNull(s.Attribute("aria-label")));
        Assert.All(OfClass("scroll"), s => Assert.Equal(("0", "region"), ((string?)s.Attribute("tabindex"), (string?)s.Attribute("role"))));
        int[] headings = [.. Root.Descendants().Where(e => Heading().IsMatch(e.Name.LocalName)).Select(e => e.Name.LocalName[1] - '0')];
        Assert.Equal([1], headings.Where(h => h == 1));
        Assert.All(headings.Zip(headings.Skip(1)), pair => Assert.True(pair.Second <= pair.First + 1));
    }

    private string Hash(string element)
    {
        string text = Regex.Match(_text, $"<{element}>(.*?)</{element}>", RegexOptions.Singleline).Groups[1].Value;
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    [GeneratedRegex("^h[1-6]$")]
    private static partial Regex Heading();
}
