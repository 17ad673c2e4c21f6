using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.IO;
using DeepLab.Visualization;

namespace DeepLab.Cli;

/// <summary>Writes the prediction for an image; may be called from several threads at once.</summary>
/// <param name="Names">The names of the classes.</param>
/// <param name="Format">png, json or rle.</param>
/// <param name="Only">The classes to cut out and to show, by name or index; null for all.</param>
/// <param name="OpenOutput">Opens standard output, for a target without files.</param>
internal sealed record PredictionFiles(ClassNameSource Names, string Format, string? Only, Func<Stream> OpenOutput)
{
    /// <summary>The values of <c>--format</c>.</summary>
    public const string Png = "png", Json = "json", Rle = "rle";

    /// <summary>The classes of <c>--only</c> for an image; null for all.</summary>
    /// <exception cref="UsageException">There is no such class.</exception>
    public IReadOnlyList<int>? Chosen(string image) =>
        Only is null ? null : UsageException.Reading("--only", () => ClassNames.Select(Only, Names.Of(image)));

    /// <summary>Writes the files of one image.</summary>
    /// <returns>The classes of its mask with their shares, the largest first: <c>road 61.2%, sky 30.1%</c>.</returns>
    /// <exception cref="DeepLabException">A file cannot be written.</exception>
    public string Write(PredictionTarget target, RgbImage image, PhotographPrediction prediction)
    {
        (LabelMap labels, ScoreMap scores) = prediction;
        IReadOnlyList<string> names = Names.Of(target.Image);
        IReadOnlyList<int>? chosen = Chosen(target.Image);
        if (target.Scores is not null) ScoreFile.Write(target.Scores, scores.Values, scores.Size, scores.Classes);
        if (target.Labels is not null) AtomicFile.WriteAllBytes(target.Labels, Encode(target.Image, labels, names));
        if (target.Cutout is not null) AtomicFile.WriteAllBytes(target.Cutout, Cutout.Encode(image, labels, chosen ?? []));
        if (target.Overlay is not null) Overlay.Draw(image, labels, names, Palette.Voc, new OverlayOptions { Only = chosen }).Save(target.Overlay);
        if (target.Labels is null)
        {
            using Stream output = OpenOutput();
            output.Write(chosen is null ? Encode(target.Image, labels, names) : Cutout.Encode(image, labels, chosen));
            output.Flush();
        }

        return string.Join(", ", ClassShare.Of(labels).Select(s => $"{ConsoleText.Sanitize(names[s.Class])} {ConsoleText.Percent(s.Share)}"));
    }

    private byte[] Encode(string image, LabelMap labels, IReadOnlyList<string> names) =>
        Format == Png ? labels.EncodePng(Palette.Voc) : MaskJson.Encode(labels, Path.GetFileName(image), names, compressed: Format == Rle);
}
