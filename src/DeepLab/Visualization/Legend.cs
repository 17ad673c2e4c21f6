using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Visualization;

/// <summary>
/// The strip below an overlay that names its classes: a patch of the color, the name and the share, the largest first,
/// in as many rows as the width asks for.
/// </summary>
internal sealed class Legend
{
    // At factor 1, in pixels: a patch is as high as a capital letter.
    private const int Margin = 3, Patch = 7, PatchGap = 3, ItemGap = 6, RowHeight = BitmapFont.Height + 2, LeastRows = 6;

    private const int LeastLetters = 8, LeastNameLetters = 6, LongestSide = 65_500;

    private static readonly (byte R, byte G, byte B) s_paper = (250, 250, 250), s_ink = (24, 24, 24), s_frame = (110, 110, 110);

    private readonly List<List<Item>> _rows;
    private readonly int _factor;

    private Legend(List<List<Item>> rows, int factor) => (_rows, _factor) = (rows, factor);

    /// <summary>Rows of the strip.</summary>
    public int Height => ((_rows.Count * RowHeight) + (2 * Margin) - 2) * _factor;

    /// <summary>
    /// Lays the legend of an image out; null where it has nothing to say, or the image is too narrow for a few letters.
    /// </summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Pixels per row.</param>
    /// <param name="classes">The classes with their shares, in the order in which they are to stand.</param>
    /// <param name="nameOf">A class's name.</param>
    /// <param name="colorOf">
    /// The color of a class, or null where its pixels are left as they are: then the patch is empty.
    /// </param>
    public static Legend? Of(int height, int width, IReadOnlyList<ClassShare> classes, Func<int, string> nameOf, Func<int, (byte R, byte G, byte B)?> colorOf)
    {
        // Letters are a fiftieth of the picture's side high, and two words fit beside each other.
        int factor = Math.Min((int)Math.Ceiling(Math.Sqrt((double)height * width) / 320), width / (2 * (Patch + PatchGap + (LeastLetters * BitmapFont.Advance))));
        factor = Math.Max(factor, 1);
        int room = (width / factor) - (2 * Margin), letters = (room - Patch - PatchGap + 1) / BitmapFont.Advance;
        if (classes.Count == 0 || letters < LeastLetters) return null;
        Item[] items = [.. classes.Select(c => new Item(Text(nameOf(c.Class), ClassShare.Percent(c.Share), letters), HasPatch: true, colorOf(c.Class)))];

        // The strip is at most as high as the image; what does not fit is counted.
        int most = Math.Max(LeastRows, ((height / factor) - (2 * Margin) + 2) / RowHeight);
        List<List<Item>> rows = Wrap(items, room);
        for (int shown = items.Length - 1; rows.Count > most && shown > 0; shown--)
            rows = Wrap([.. items.Take(shown), new Item($"+{items.Length - shown} more", HasPatch: false, null)], room);
        var legend = new Legend(rows, factor);
        long total = (long)height + legend.Height;
        return total > LongestSide || total * width > ImageLimits.MaxPixels ? null : legend;
    }

    /// <summary>Draws the strip over the whole width, from row <paramref name="top"/> to the end.</summary>
    public void Draw(RgbImage image, int top)
    {
        image.Fill(0, top, image.Width, image.Height - top, s_paper);
        int y = top + (Margin * _factor);
        foreach (List<Item> row in _rows)
        {
            int x = Margin * _factor;
            foreach (Item item in row)
            {
                if (item.HasPatch) DrawPatch(image, x, y, item.Color);
                BitmapFont.Draw(image, item.Text, x + (item.TextStart * _factor), y, _factor, s_ink);
                x += (item.Width + ItemGap) * _factor;
            }

            y += RowHeight * _factor;
        }
    }

    private static List<List<Item>> Wrap(IReadOnlyList<Item> items, int room)
    {
        var rows = new List<List<Item>>();
        int used = 0;
        foreach (Item item in items)
        {
            if (rows.Count == 0 || used + ItemGap + item.Width > room)
            {
                rows.Add([]);
                used = -ItemGap;
            }

            rows[^1].Add(item);
            used += ItemGap + item.Width;
        }

        return rows;
    }

    /// <summary>
    /// The name and the share in at most so many letters: first the name is cut, and where little would be left of it,
    /// the share goes.
    /// </summary>
    private static string Text(string name, string share, int letters)
    {
        // What has no letter here counts once, though it may be two units of UTF-16.
        string drawn = string.Concat(name.EnumerateRunes().Select(r => r.IsAscii ? (char)r.Value : char.MaxValue));
        int forName = letters - share.Length - 1;
        bool withShare = forName >= Math.Min(LeastNameLetters, drawn.Length);
        int most = withShare ? forName : letters;
        string cut = BoundedText.Shorten(drawn, most);
        return withShare ? $"{cut} {share}" : cut;
    }

    private void DrawPatch(RgbImage image, int left, int top, (byte R, byte G, byte B)? color)
    {
        int side = Patch * _factor, frame = Math.Max(1, _factor / 2);
        image.Fill(left, top, side, side, s_frame);
        image.Fill(left + frame, top + frame, side - (2 * frame), side - (2 * frame), color ?? s_paper);
    }

    /// <summary>A patch and a text beside it, or a text alone; widths at factor 1.</summary>
    private sealed record Item(string Text, bool HasPatch, (byte R, byte G, byte B)? Color)
    {
        public int TextStart => HasPatch ? Patch + PatchGap : 0;

        public int Width => TextStart + BitmapFont.WidthOf(Text);
    }
}
