namespace DeepLab.Imaging;

/// <summary>256 colors for the values of a label image.</summary>
public sealed class Palette
{
    private readonly (byte R, byte G, byte B)[] _colors;

    private Palette((byte R, byte G, byte B)[] colors) => _colors = colors;

    /// <summary>
    /// PASCAL VOC's colors (VOCdevkit, VOClabelcolormap): the bits of the index dealt out to red, green and blue in
    /// turn, the lowest first, each color filled from its highest bit. 0 is black, 255 is (224, 224, 192).
    /// </summary>
    public static Palette Voc { get; } = new(MakeVoc());

    /// <summary>The color of a label.</summary>
    /// <param name="index">0 to 255.</param>
    /// <exception cref="ArgumentOutOfRangeException">The index is outside 0 to 255.</exception>
    public (byte R, byte G, byte B) this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(index, 255);
            return _colors[index];
        }
    }

    private static (byte R, byte G, byte B)[] MakeVoc()
    {
        var colors = new (byte R, byte G, byte B)[256];
        for (int index = 0; index < 256; index++)
        {
            int r = 0, g = 0, b = 0;
            for (int bits = index, place = 7; bits != 0; bits >>= 3, place--)
            {
                r |= (bits & 1) << place;
                g |= ((bits >> 1) & 1) << place;
                b |= ((bits >> 2) & 1) << place;
            }

            colors[index] = ((byte)r, (byte)g, (byte)b);
        }

        return colors;
    }
}
