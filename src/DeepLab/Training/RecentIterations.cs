namespace DeepLab.Training;

/// <summary>The last iterations of a run, for means that follow it.</summary>
internal sealed class RecentIterations(int most)
{
    private readonly double[] _losses = new double[most], _seconds = new double[most];
    private int _added;

    /// <summary>The mean of their losses.</summary>
    public double MeanLoss => Sum(_losses) / Math.Min(_added, most);

    /// <summary>How many there were a second.</summary>
    public double PerSecond => Math.Min(_added, most) / Sum(_seconds);

    public void Add(double loss, double seconds)
    {
        (_losses[_added % most], _seconds[_added % most]) = (loss, seconds);
        _added++;
    }

    // Places that are not filled yet hold zeros.
    private static double Sum(double[] values)
    {
        double sum = 0;
        foreach (double value in values) sum += value;
        return sum;
    }
}
