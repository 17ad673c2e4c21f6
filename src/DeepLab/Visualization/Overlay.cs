using DeepLab.Imaging;

namespace DeepLab.Visualization;

/// <summary>What <see cref="Overlay.Draw"/> shows.</summary>
public sealed record OverlayOptions
{
    /// <summary>How much of the classes' colors is mixed in: 0 (the image alone) to 1 (the colors alone).</summary>
    public double Opacity { get; init; } = 0.5;

    /// <summary>Whether the boundaries between classes are drawn.</summary>
    public bool Outlines { get; init; } = true;

    /// <summary>Whether a strip below the image names the classes.</summary>
    public bool Legend { get; init; } = true;

    /// <summary>The only classes to show, even background; null for all.</summary>
    public IReadOnlyCollection<int>? Only { get; init; }
}

/// <summary>Shows labels on top of the image they belong to.</summary>
public static class Overlay
{
    private const byte Background = 0;

    /// <summary>Mixes each pixel with its label's color: (1 − opacity)·image + opacity·color, rounded.</summary>
    /// <param name="image">[height, width, 3]; not changed.</param>
    /// <param name="labels">[height, width]; pixels of label 255 are left as they are.</param>
    /// <param name="palette">The labels' colors.</param>
    /// <param name="opacity">0 (the image alone) to 1 (the colors alone).</param>
    /// <param name="paintBackground">Whether pixels of label 0 are mixed too; left as they are by default.</param>
    /// <exception cref="ArgumentException">Image and labels differ in size.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="opacity"/> is outside 0 to 1.</exception>
    public static RgbImage Blend(RgbImage image, LabelMap labels, Palette palette, double opacity = 0.5, bool paintBackground = false)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(palette);
        labels.RequireSizeOf(image, nameof(labels));
        byte[] blended = (byte[])image.Pixels.Clone();
        Blend(blended, labels.Labels, palette, opacity, label => label != LabelMap.IgnoreLabel && (label != Background || paintBackground));
        return new RgbImage(image.Height, image.Width, blended);
    }

    /// <summary>
    /// The image with the classes' colors mixed in, outlines between the classes (white on the side of the greater
    /// label, black on the other's) and, in a strip below, a legend: the classes present, the largest first, with their
    /// share of all pixels. Class 0 is left as it is if it is called "background", and painted like any other if it is
    /// not; label 255 is never painted or named. Names are cut to fit the width, and an image that is too narrow for a
    /// few letters (about 64 pixels) gets no legend.
    /// </summary>
    /// <param name="image">[height, width, 3]; not changed.</param>
    /// <param name="labels">[height, width].</param>
    /// <param name="classNames">The names of the classes by index; a further class is called <c>class 7</c>.</param>
    /// <param name="palette">The labels' colors.</param>
    /// <param name="options">What to show; null for everything.</param>
    /// <returns>An image of the same width, and higher by the legend.</returns>
    /// <exception cref="ArgumentException">Image and labels differ in size.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The opacity is outside 0 to 1.</exception>
    public static RgbImage Draw(RgbImage image, LabelMap labels, IReadOnlyList<string> classNames, Palette palette, OverlayOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentNullException.ThrowIfNull(palette);
        labels.RequireSizeOf(image, nameof(labels));
        options ??= new OverlayOptions();
        LabelMap shown = options.Only is null ? labels : Hide(labels, options.Only);
        string NameOf(int label) => label < classNames.Count ? classNames[label] : FormattableString.Invariant($"class {label}");
        bool IsPainted(int label) =>
            label != LabelMap.IgnoreLabel && (label != Background || options.Only is not null || !NameOf(label).Equals("background", StringComparison.OrdinalIgnoreCase));

        Legend? legend = options.Legend
            ? Legend.Of(image.Height, image.Width, ClassShare.Of(shown), NameOf, label => IsPainted(label) ? palette[label] : null)
            : null;
        var drawn = new RgbImage(image.Height + (legend?.Height ?? 0), image.Width);
        Span<byte> picture = drawn.Pixels.AsSpan(0, image.Pixels.Length);
        image.Pixels.CopyTo(picture);
        Blend(picture, shown.Labels, palette, options.Opacity, IsPainted);
        if (options.Outlines) Outlines.Draw(picture, shown.Labels, image.Height, image.Width);
        legend?.Draw(drawn, image.Height);
        return drawn;
    }

    private static LabelMap Hide(LabelMap labels, IEnumerable<int> except)
    {
        byte[] table = new byte[256];
        Array.Fill(table, LabelMap.IgnoreLabel);
        foreach (int label in except) table[label] = (byte)label;
        var shown = new LabelMap(labels.Height, labels.Width);
        for (int i = 0; i < shown.Labels.Length; i++) shown.Labels[i] = table[labels.Labels[i]];
        return shown;
    }

    private static void Blend(Span<byte> pixels, ReadOnlySpan<byte> labels, Palette palette, double opacity, Func<int, bool> isPainted)
    {
        if (opacity is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(opacity), opacity, "expected a number from 0 to 1");

        // Mixing is rounding of numbers from a small set: a row of 256 for each channel of a label's color.
        var mixed = new byte[256][];
        for (int i = 0; i < labels.Length; i++)
        {
            if ((mixed[labels[i]] ??= isPainted(labels[i]) ? Mix(palette[labels[i]], opacity) : []) is not { Length: > 0 } row) continue;
            Span<byte> pixel = pixels.Slice(3 * i, 3);
            (pixel[0], pixel[1], pixel[2]) = (row[pixel[0]], row[256 + pixel[1]], row[512 + pixel[2]]);
        }
    }

    private static byte[] Mix((byte R, byte G, byte B) color, double opacity) =>
        [.. new[] { color.R, color.G, color.B }.SelectMany(over => Enumerable.Range(0, 256).Select(under => (byte)(((1 - opacity) * under) + (opacity * over) + 0.5)))];
}
