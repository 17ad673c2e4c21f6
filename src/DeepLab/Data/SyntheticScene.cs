namespace DeepLab.Data;

/// <summary>
/// One picture of <see cref="SyntheticShapes"/> while it is drawn: colors, and which object each pixel shows. The order
/// in which the random numbers are taken is what makes the picture; a change of it changes every dataset.
/// </summary>
internal sealed class SyntheticScene(int height, int width, SeededRandom random)
{
    private const int BorderRadius = 2;

    private readonly Rgb[] _colors = new Rgb[height * width];

    // 0 for the background, else 1 + the index of the object in _objects.
    private readonly byte[] _owners = new byte[height * width];
    private readonly List<SyntheticObject> _objects = [];

    /// <summary>A gradient between two dull colors with soft spots.</summary>
    public void DrawBackground()
    {
        Rgb from = Dull(), to = Dull();
        double angle = random.NextDouble(0, 2 * Math.PI), reach = Math.Max(height, width);
        (double gx, double gy) = (Math.Cos(angle) / reach, Math.Sin(angle) / reach);
        var spots = new ValueNoise(height, width, random.NextDouble(12, 40), random);
        double strength = random.NextDouble(0.1, 0.5);
        ForEachPixel((row, column) =>
        {
            double t = 0.5 + (gx * (column - (width / 2.0))) + (gy * (row - (height / 2.0)));
            return Rgb.Mix(from, to, Math.Clamp(t, 0, 1)) * (1 + (strength * (spots[row, column] - 0.5)));
        });
    }

    /// <summary>
    /// Large dull patches, and small or thin things in the hues of the classes: none of them is labelled.
    /// </summary>
    public void DrawClutter()
    {
        for (int i = 2 + random.NextInt32(3); i > 0; i--)
            DrawBlob(random.NextDouble(18, 40), Dull());
        for (int i = 5 + random.NextInt32(6); i > 0; i--)
            DrawBlob(random.NextDouble(2, 6), Vivid());
        for (int i = 4 + random.NextInt32(5); i > 0; i--)
            DrawLine(random.NextDouble(0.8, 2.5), Vivid());
    }

    /// <summary>Three or four shapes of different classes; the later hide what they cover of the earlier.</summary>
    public void DrawShapes()
    {
        SyntheticShape[] shapes = Enum.GetValues<SyntheticShape>();
        random.Shuffle<SyntheticShape>(shapes);
        int count = 3 + random.NextInt32(2);
        foreach (SyntheticShape shape in shapes.AsSpan(0, count))
        {
            SyntheticObject? placed = Place(shape);
            if (placed is not null) Paint(placed);
        }
    }

    /// <summary>The picture under its light and with the camera's noise: RGB bytes, [height, width, 3].</summary>
    public byte[] Develop()
    {
        double gain = random.NextDouble(0.75, 1.1), noise = random.NextDouble(3, 10);
        var bytes = new byte[_colors.Length * 3];
        for (int i = 0; i < _colors.Length; i++)
        {
            Rgb color = _colors[i] * (255 * gain);
            bytes[3 * i] = ToByte(color.R + (noise * random.NextGaussian()));
            bytes[(3 * i) + 1] = ToByte(color.G + (noise * random.NextGaussian()));
            bytes[(3 * i) + 2] = ToByte(color.B + (noise * random.NextGaussian()));
        }

        return bytes;
    }

    /// <summary>
    /// The labels, [height, width]: 255 where another object or the background is at most two pixels away.
    /// </summary>
    public byte[] Labels()
    {
        var labels = new byte[_owners.Length];
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                int owner = _owners[(row * width) + column];
                labels[(row * width) + column] =
                    IsAtOutline(row, column) ? byte.MaxValue
                    : owner == 0 ? (byte)0
                    : (byte)(1 + (int)_objects[owner - 1].Shape);
            }
        }

        return labels;
    }

    private static byte ToByte(double value) => (byte)Math.Clamp(Math.Round(value), 0, 255);

    private bool IsAtOutline(int row, int column)
    {
        byte owner = _owners[(row * width) + column];
        for (int r = Math.Max(0, row - BorderRadius); r <= Math.Min(height - 1, row + BorderRadius); r++)
        {
            for (int c = Math.Max(0, column - BorderRadius); c <= Math.Min(width - 1, column + BorderRadius); c++)
            {
                if (_owners[(r * width) + c] != owner) return true;
            }
        }

        return false;
    }

    /// <summary>Finds a place with little overlap; none after twenty tries means that the picture is full.</summary>
    private SyntheticObject? Place(SyntheticShape shape)
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            double radius = random.NextDouble(31, 50);
            double x = random.NextDouble(0.7 * radius, width - (0.7 * radius));
            double y = random.NextDouble(0.7 * radius, height - (0.7 * radius));
            if (_objects.TrueForAll(o => Math.Sqrt(((o.X - x) * (o.X - x)) + ((o.Y - y) * (o.Y - y))) > 0.8 * (o.Radius + radius)))
                return new SyntheticObject(shape, x, y, radius, random);
        }

        return null;
    }

    private void Paint(SyntheticObject item)
    {
        _objects.Add(item);
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                if (!item.Contains(row, column)) continue;
                _owners[(row * width) + column] = (byte)_objects.Count;
                _colors[(row * width) + column] = item.Color(row, column);
            }
        }
    }

    private void DrawBlob(double radius, Rgb color)
    {
        double x = random.NextDouble(0, width), y = random.NextDouble(0, height);
        double stretch = random.NextDouble(0.6, 1.6);
        ForEachPixel((row, column) =>
        {
            double dx = (column - x) * stretch, dy = (row - y) / stretch;
            return (dx * dx) + (dy * dy) <= radius * radius ? color : null;
        });
    }

    private void DrawLine(double halfWidth, Rgb color)
    {
        double x = random.NextDouble(0, width), y = random.NextDouble(0, height);
        double angle = random.NextDouble(0, Math.PI), length = random.NextDouble(25, 120);
        (double cos, double sin) = (Math.Cos(angle), Math.Sin(angle));
        ForEachPixel((row, column) =>
        {
            double along = (cos * (column - x)) + (sin * (row - y)), across = (cos * (row - y)) - (sin * (column - x));
            return Math.Abs(along) <= length / 2 && Math.Abs(across) <= halfWidth ? color : null;
        });
    }

    private Rgb Dull() => Rgb.FromHsv(random.NextDouble(0, 360), random.NextDouble(0, 0.28), random.NextDouble(0.25, 0.9));

    private Rgb Vivid() => Rgb.FromHsv(random.NextDouble(0, 360), random.NextDouble(0.4, 0.95), random.NextDouble(0.4, 1));

    private void ForEachPixel(Func<int, int, Rgb?> paint)
    {
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                if (paint(row, column) is { } color) _colors[(row * width) + column] = color;
            }
        }
    }
}

/// <summary>A color, its channels 0 to 1 (above 1 under strong light).</summary>
internal readonly record struct Rgb(double R, double G, double B)
{
    public static Rgb operator *(Rgb color, double factor) => new(color.R * factor, color.G * factor, color.B * factor);

    /// <summary>From <paramref name="a"/> at 0 to <paramref name="b"/> at 1.</summary>
    public static Rgb Mix(Rgb a, Rgb b, double t) => new(a.R + (t * (b.R - a.R)), a.G + (t * (b.G - a.G)), a.B + (t * (b.B - a.B)));

    /// <summary>From a hue in degrees, and saturation and value 0 to 1.</summary>
    public static Rgb FromHsv(double hue, double saturation, double value)
    {
        return new Rgb(Channel(5), Channel(3), Channel(1));

        double Channel(double n)
        {
            double k = (((n + (hue / 60)) % 6) + 6) % 6;
            return value - (value * saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1));
        }
    }
}

/// <summary>Smooth random spots: values of 0 to 1 at the points of a lattice, blended between them.</summary>
internal sealed class ValueNoise
{
    private readonly double _cell;
    private readonly int _columns;
    private readonly double[] _lattice;

    /// <summary>
    /// Draws the lattice for [<paramref name="height"/>, <paramref name="width"/>] pixels with a point every
    /// <paramref name="cell"/> of them.
    /// </summary>
    public ValueNoise(int height, int width, double cell, SeededRandom random)
    {
        _cell = cell;
        _columns = (int)(width / cell) + 2;
        _lattice = new double[((int)(height / cell) + 2) * _columns];
        for (int i = 0; i < _lattice.Length; i++) _lattice[i] = random.NextDouble();
    }

    /// <summary>The value at a pixel, 0 to 1.</summary>
    public double this[int row, int column]
    {
        get
        {
            double y = row / _cell, x = column / _cell;
            int top = (int)y, left = (int)x, at = (top * _columns) + left;
            double v = Smooth(y - top), u = Smooth(x - left);
            double above = _lattice[at] + (u * (_lattice[at + 1] - _lattice[at]));
            double below = _lattice[at + _columns] + (u * (_lattice[at + _columns + 1] - _lattice[at + _columns]));
            return above + (v * (below - above));
        }
    }

    private static double Smooth(double t) => t * t * (3 - (2 * t));
}
