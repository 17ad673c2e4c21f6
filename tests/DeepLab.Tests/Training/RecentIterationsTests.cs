using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Training;

public sealed class RecentIterationsTests
{
    [Fact]
    public void Means_are_those_of_the_last_iterations_alone()
    {
        var recent = new RecentIterations(3);
        recent.Add(10, 4);
        Assert.Equal((10, 0.25), (recent.MeanLoss, recent.PerSecond));
        recent.Add(2, 1);
        Assert.Equal((6, 0.4), (recent.MeanLoss, recent.PerSecond));
        recent.Add(3, 0.5);
        recent.Add(1, 0.5);
        Assert.Equal((2, 1.5), (recent.MeanLoss, recent.PerSecond));
    }
}
