using System.Text;
using System.Xml.Linq;
using DeepLab.Reports;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class HtmlTests
{
    [Fact]
    public void Texts_and_attributes_are_escaped() => Assert.Equal(
        "<td title=\"&quot;&gt;&lt;img src=x onerror=alert(1)&gt;\"><bdi>&lt;/td&gt;&amp;amp;</bdi></td>",
        Write(Html.Element("td", Html.Attribute("title", "\"><img src=x onerror=alert(1)>"), Html.Name("</td>&amp;"))));

    [Fact]
    public void Characters_that_no_page_may_hold_or_that_turn_text_around_are_replaced()
    {
        Assert.Equal("<p>a\ufffdb\ufffd\ufffd\ufffd\ufffdc\ufffd\ufffd 😀é\n</p>", Write(Html.Element("p", "a\0b\u001b\u0085\u202e\u2066c\ud83d\uffff 😀é\n")));
        Assert.Equal("a\ufffdb", (string?)XElement.Parse(Write(Html.Element("p", Html.Attribute("title", "a\u0001b")))).Attribute("title"));
    }

    [Fact]
    public void Only_what_has_no_content_in_html_lacks_an_end_tag() =>
        Assert.Equal("<div><img alt=\"\" /><td></td></div>", Write(Html.Element("div", Html.Element("img", Html.Attribute("alt", "")), Html.Element("td"))));

    [Fact]
    public void A_script_that_would_need_escaping_is_refused() =>
        Assert.Throws<InvalidOperationException>(() => Write(Html.Element("script", "a < b")));

    private static string Write(XElement element)
    {
        using var stream = new MemoryStream();
        Html.Write(stream, element);
        string text = Encoding.UTF8.GetString(stream.ToArray());
        Assert.StartsWith("<!DOCTYPE html>\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        text = text["<!DOCTYPE html>\n".Length..^1];
        return element.Name.LocalName == "p" ? text[..^1] : text;
    }
}
