using System.Xml.Linq;
using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>Images of an evaluation with what was predicted.</summary>
/// <param name="names">One name per class.</param>
/// <param name="palette">The labels' colors.</param>
internal sealed class Gallery(IReadOnlyList<string> names, Palette palette)
{
    /// <summary>How to read the pictures.</summary>
    public XElement Explanation() => Html.Element(
        "p", "By the mean IoU of the classes in an image's labels or prediction. Labels and predictions are shown in the classes' colors; void, the pixels without a label, is pale in the truth and striped among the errors, which are red.");

    /// <summary>An image: its pictures side by side, its measures, and the colors of its classes.</summary>
    public XElement Show(RankedImage image) => Html.Element(
        "article",
        Html.Element("h3", Html.Name(image.Name)),
        Html.Element("p", Html.Class("note"), $"Image {Numbers.Count(image.Number)}, {image.Width}×{image.Height} pixels: mean IoU {Numbers.Percent(image.MeanIoU)}, pixel accuracy {Numbers.Percent(image.PixelAccuracy)}"),
        Html.Element("div", Html.Class(image.Pictures.Count == 5 ? "pictures five" : "pictures"), image.Pictures.Select(p => Html.Element(
            "figure",
            Html.Element(
                "img",
                Html.Attribute("src", p.Picture.Source),
                Html.Attribute("width", p.Picture.Width),
                Html.Attribute("height", p.Picture.Height),
                Html.Attribute("alt", $"{p.Kind}: {image.Name}")),
            Html.Element("figcaption", p.Kind)))),
        Html.Element("p", Html.Class("key"), image.Classes.Select(c => Html.Element("span", ClassTable.Swatch(palette, c), Html.Name(names[c])))));
}
