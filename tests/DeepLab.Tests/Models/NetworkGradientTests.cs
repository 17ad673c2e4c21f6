using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Models;

/// <summary>The gradients of the whole three-scale network against central differences, in double.</summary>
public sealed class NetworkGradientTests
{
    private const double Step = 1e-7;

    [Fact]
    public void Gradients_of_the_three_scale_network_are_those_of_differences()
    {
        using var backend = new DoubleBackend();
        using NetworkBench step = NetworkBench.FromNames(backend, 18, 2, "differences", "x", new MapSize(33, 33));
        step.Run();
        string[] names =
        [
            "Scale.conv1.weight", "Scale.layer1.1.conv2.weight", "Scale.layer2.0.downsample.0.weight",
            "Scale.layer4.0.conv1.weight", "Scale.layer5.conv2d_list.0.weight", "Scale.layer5.conv2d_list.3.bias",
        ];
        foreach (Parameter parameter in step.Network.Parameters.Where(p => names.Contains(p.Name)))
        {
            double[] gradient = DoubleBackend.Values(parameter.Gradient!).ToArray();
            int index = Array.IndexOf(gradient, gradient.MaxBy(Math.Abs));
            ref double weight = ref DoubleBackend.Values(parameter.Value)[index];
            double value = weight;
            weight = value + Step;
            double above = Loss(step);
            weight = value - Step;
            double difference = (above - Loss(step)) / (2 * Step);
            weight = value;
            Compare.Near([difference], [gradient[index]], 1e-5, $"value {index} of the gradient of {parameter.Name}");
        }
    }

    private static double Loss(NetworkBench step)
    {
        step.RunForward();
        return step.TotalLoss;
    }
}
