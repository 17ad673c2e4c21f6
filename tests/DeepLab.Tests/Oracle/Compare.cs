using Xunit;

namespace DeepLab.Tests.Oracle;

/// <summary>How close results are to their expected values.</summary>
internal static class Compare
{
    /// <summary>The norm of the difference over the norm of the expected values.</summary>
    public static double RelativeError(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            size += expected[i] * expected[i];
        }

        return difference == 0 ? 0 : Math.Sqrt(difference) / Math.Max(Math.Sqrt(size), 1e-30);
    }

    public static void Near(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what)
    {
        double error = RelativeError(expected, actual);
        Assert.True(error <= tolerance, $"{what}: relative error {error:e2}, more than {tolerance:e0}");
    }
}
