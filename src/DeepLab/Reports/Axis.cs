namespace DeepLab.Reports;

/// <summary>An axis of a chart.</summary>
/// <param name="From">Its lower end.</param>
/// <param name="To">Its upper end, above <paramref name="From"/>.</param>
internal readonly record struct Axis(double From, double To)
{
    private const double Margin = 1e-9;

    /// <summary>An axis that begins and ends at round numbers and holds the two.</summary>
    public static Axis Round(double from, double to)
    {
        if (!(to > from)) to = from + Math.Max(Math.Abs(from) * 0.1, 1e-6);
        double step = new Axis(from, to).Step(5);
        return new Axis(Math.Floor((from / step) + Margin) * step, Math.Ceiling((to / step) - Margin) * step);
    }

    /// <summary>Where a number lies, 0 at the lower end and 1 at the upper.</summary>
    public double ShareOf(double value) => (value - From) / (To - From);

    /// <summary>Round numbers along the axis, about <paramref name="count"/> of them.</summary>
    public IEnumerable<double> Ticks(int count)
    {
        double step = Step(count), end = To;
        long first = (long)Math.Ceiling((From / step) - Margin), last = (long)Math.Floor((end / step) + Margin);
        for (long tick = first; tick <= last; tick++) yield return tick * step;
    }

    // 1, 2 or 5 times a power of ten.
    private double Step(int count)
    {
        double rough = (To - From) / count, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double digits = rough / power;
        return power * (digits <= 1 + Margin ? 1 : digits <= 2 + Margin ? 2 : digits <= 5 + Margin ? 5 : 10);
    }
}
