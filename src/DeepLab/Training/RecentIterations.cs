namespace DeepLab.Training;

/// <summary>The last iterations of a run, for moving averages.</summary>
internal sealed class RecentIterations(int window)
{
    private readonly double[] _losses = new double[window], _seconds = new double[window];
    private int _added;

    /// <summary>The mean of their losses.</summary>
    public double MeanLoss => Sum(_losses) / Math.Min(_added, window);

    /// <summary>Iterations per second.</summary>
    public double PerSecond => Math.Min(_added, window) / Sum(_seconds);

    public void Add(double loss, double seconds)
    {
        (_losses[_added % window], _seconds[_added % window]) = (loss, seconds);
        _added++;
    }

    // Entries that are not filled yet are zero.
    private static double Sum(double[] values)
    {
        double sum = 0;
        foreach (double value in values) sum += value;
        return sum;
    }
}
