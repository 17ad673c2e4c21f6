namespace DeepLab.Data;

/// <summary>The shapes of <see cref="SyntheticShapes"/>, in the order of their labels, which start at 1.</summary>
internal enum SyntheticShape
{
    Disc,
    Square,
    Triangle,
    Star,
    Ring,
    Cross,
}

/// <summary>One drawn shape: where it is, which outline it has, and what its surface looks like.</summary>
/// <param name="shape">Which shape.</param>
/// <param name="x">The center, in pixels from the left.</param>
/// <param name="y">The center, in pixels from the top.</param>
/// <param name="radius">Half its size in pixels: the radius of the disc and the ring.</param>
/// <param name="random">Draws rotation, proportions, colors and texture.</param>
internal sealed class SyntheticObject(SyntheticShape shape, double x, double y, double radius, SeededRandom random)
{
    // The hue that a class tends to, in degrees; neighbors overlap a little at the ends of what is drawn.
    private const double HueSpread = 11;

    private readonly (double Cos, double Sin) _turn = Turn(random.NextDouble(0, 2 * Math.PI));
    private readonly (double Cos, double Sin) _grain = Turn(random.NextDouble(0, 2 * Math.PI));
    private readonly double _aspect = random.NextDouble(0.88, 1.12);
    private readonly double _period = random.NextDouble(9, 17);
    private readonly double _phase = random.NextDouble();
    private readonly double _shade = random.NextDouble(-0.25, 0.25);
    private readonly (Rgb Light, Rgb Dark) _colors = Colors(shape, random);
    private readonly ValueNoise _mottle = new(256, 256, 11, random);

    public SyntheticShape Shape => shape;

    public double X => x;

    public double Y => y;

    public double Radius => radius;

    /// <summary>Whether the center of a pixel lies in the shape.</summary>
    public bool Contains(int row, int column)
    {
        (double u, double v) = Local(row, column, _turn);
        u *= _aspect / radius;
        v /= _aspect * radius;
        double distance = Math.Sqrt((u * u) + (v * v));
        return shape switch
        {
            SyntheticShape.Disc => distance <= 1,
            SyntheticShape.Square => Math.Max(Math.Abs(u), Math.Abs(v)) <= 0.85,
            // Half-planes at 0.62 from the center: corners at 1.24.
            SyntheticShape.Triangle => v <= 0.62 && (0.866 * Math.Abs(u)) - (0.5 * v) <= 0.62,
            SyntheticShape.Star => distance <= StarEdge(Math.Atan2(v, u)),
            SyntheticShape.Ring => distance is <= 1.05 and >= 0.5,
            _ => Math.Min(Math.Abs(u), Math.Abs(v)) <= 0.36 && Math.Max(Math.Abs(u), Math.Abs(v)) <= 1.05,
        };
    }

    /// <summary>The color of the surface at a pixel.</summary>
    public Rgb Color(int row, int column)
    {
        (double u, double v) = Local(row, column, _grain);
        double p = (u / _period) + _phase, q = (v / _period) + _phase;
        double light = shape switch
        {
            SyntheticShape.Disc => Half((Math.Sqrt((u * u) + (v * v)) / _period) + _phase),
            SyntheticShape.Square => Half(p * 0.7) == Half(q * 0.7) ? 1 : 0,
            SyntheticShape.Triangle => Half(p),
            SyntheticShape.Star => Square(p - Math.Floor(p) - 0.5) + Square(q - Math.Floor(q) - 0.5) < 0.1 ? 0 : 1,
            SyntheticShape.Ring => Half(Math.Atan2(v, u) * 7 / (2 * Math.PI)),
            _ => _mottle[row & 255, column & 255],
        };
        Rgb color = Rgb.Mix(_colors.Dark, _colors.Light, light);
        return color * (1 + (_shade * u / radius));
    }

    private static (Rgb Light, Rgb Dark) Colors(SyntheticShape shape, SeededRandom random)
    {
        double hue = ((int)shape * 60) + (HueSpread * random.NextGaussian());
        double saturation = random.NextDouble(0.5, 0.95), value = random.NextDouble(0.65, 1);
        double otherHue = hue + random.NextDouble(-20, 20);
        return (Rgb.FromHsv(hue, saturation, value),
            Rgb.FromHsv(otherHue, Math.Min(1, saturation * random.NextDouble(0.7, 1.2)), value * random.NextDouble(0.4, 0.7)));
    }

    private static (double Cos, double Sin) Turn(double angle) => (Math.Cos(angle), Math.Sin(angle));

    /// <summary>A star of five straight-edged points: how far its edge is from the center in a direction.</summary>
    private static double StarEdge(double angle)
    {
        const double Outer = 1.2, Inner = 0.6, HalfPoint = Math.PI / 5;
        double a = Math.Abs(angle) % (2 * HalfPoint);
        if (a > HalfPoint) a = (2 * HalfPoint) - a;
        // The line from the tip (angle 0) to the notch (angle HalfPoint), in polar form.
        double notchX = Inner * Math.Cos(HalfPoint), notchY = Inner * Math.Sin(HalfPoint);
        return Outer * notchY / ((Math.Cos(a) * notchY) + (Math.Sin(a) * (Outer - notchX)));
    }

    private static double Half(double t) => t - Math.Floor(t) < 0.5 ? 1 : 0;

    private static double Square(double t) => t * t;

    private (double U, double V) Local(int row, int column, (double Cos, double Sin) turn)
    {
        double dx = column - x, dy = row - y;
        return ((turn.Cos * dx) + (turn.Sin * dy), (turn.Cos * dy) - (turn.Sin * dx));
    }
}
