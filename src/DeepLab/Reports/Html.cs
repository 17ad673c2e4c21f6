using System.Text;
using System.Xml.Linq;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>
/// Builds elements of HTML and writes them. Texts are data, never markup: what comes from files is escaped where it is
/// written, and characters that no page may hold, or that turn the direction of the text around them, become U+FFFD.
/// The result is well-formed XML too.
/// </summary>
internal static class Html
{
    private const char Replacement = '\ufffd';

    private static readonly HashSet<string> Void = ["meta", "img", "br"];

    // A line feed after these does not show, and lets a person read the file.
    private static readonly HashSet<string> Breaks = ["title", "style", "script", "head", "header", "section", "figure", "h1", "h2", "h3", "p", "tr", "li", "g", "polyline"];

    /// <summary>An element; <paramref name="content"/> are attributes, elements and texts, null for nothing.</summary>
    public static XElement Element(string name, params object?[] content) => new(name, content);

    /// <summary>An attribute.</summary>
    public static XAttribute Attribute(string name, object value) => new(name, value);

    /// <summary>The attribute <c>class</c>.</summary>
    public static XAttribute Class(string value) => new("class", value);

    /// <summary>
    /// Text from a file, such as the name of a class: kept together and apart from the direction of the text around it.
    /// </summary>
    public static XElement Name(string text) => Element("bdi", text);

    /// <summary>A box that scrolls sideways by itself, so that the page need not; the keyboard reaches it.</summary>
    public static XElement ScrollBox(string label, params object?[] content) =>
        Element("div", Class("scroll"), Attribute("role", "region"), Attribute("tabindex", 0), Attribute("aria-label", label), content);

    /// <summary>Writes a document as UTF-8.</summary>
    public static void Write(Stream stream, XElement root)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("<!DOCTYPE html>");
        Write(writer, root);
        writer.WriteLine();
    }

    private static void Write(TextWriter writer, XElement element)
    {
        string name = element.Name.LocalName;
        writer.Write('<');
        writer.Write(name);
        foreach (XAttribute attribute in element.Attributes())
        {
            writer.Write($" {attribute.Name.LocalName}=\"");
            WriteText(writer, attribute.Value);
            writer.Write('"');
        }

        if (Void.Contains(name))
        {
            writer.Write(" />");
            return;
        }

        writer.Write('>');
        bool isVerbatim = name is "style" or "script";
        foreach (XNode node in element.Nodes())
        {
            if (node is XElement child) Write(writer, child);
            else if (node is XText text && isVerbatim) writer.Write(Verbatim(name, text.Value));
            else if (node is XText plain) WriteText(writer, plain.Value);
        }

        writer.Write($"</{name}>");
        if (Breaks.Contains(name)) writer.WriteLine();
    }

    // Browsers take these as they stand, without undoing any escape.
    private static string Verbatim(string name, string text) =>
        text.AsSpan().ContainsAny('<', '&') ? throw new InvalidOperationException($"the page's {name} holds a character that needs escaping") : text;

    private static void WriteText(TextWriter writer, string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '&': writer.Write("&amp;"); break;
                case '<': writer.Write("&lt;"); break;
                case '>': writer.Write("&gt;"); break;
                case '"': writer.Write("&quot;"); break;
                default:
                    if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    {
                        writer.Write(c);
                        writer.Write(text[++i]);
                    }
                    else
                    {
                        writer.Write(c is '\n' or '\t' || (BoundedText.IsPrintable(c) && !char.IsSurrogate(c)) ? c : Replacement);
                    }

                    break;
            }
        }
    }
}
