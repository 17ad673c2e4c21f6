using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Models;

/// <summary>Whole networks at three scales against PyTorch in double, within the design's tolerances.</summary>
public sealed class NetworkGoldenTests
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string tier in TestBackends.Tiers.Select(t => t.ToString())) data.Add(tier, "resnet18-21-97x129");
            string best = TestBackends.Tiers[^1].ToString();
            foreach (string file in (string[])["resnet18-21-65x65", "resnet50-6-65x65", "resnet50-6-97x129"]) data.Add(best, file);

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Scores_losses_and_gradients_equal_the_reference(string tier, string name)
    {
        using var file = SafeTensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "network", name + ".safetensors"));
        int Number(string key) => int.Parse(file.Metadata[key]);
        using Backend backend = TestBackends.Create(tier);
        using NetworkBench step = NetworkBench.FromNames(
            backend, Number("depth"), Number("classes"), name, file.Metadata["image"], new MapSize(Number("height"), Number("width")));
        bool inspected = false;
        step.Inspect = scores =>
        {
            CheckScores(file, backend, scores.Outputs[0], "scores.1");
            CheckScores(file, backend, scores.Outputs[1], "scores.075");
            CheckScores(file, backend, scores.Outputs[2], "scores.05");
            CheckScores(file, backend, scores.Fused, "scores.fused");
            inspected = true;
        };
        step.Run();
        Assert.True(inspected);
        Compare.Near(file.ReadDouble("losses"), step.Losses, 1e-5, "losses");
        Compare.Near(file.ReadDouble("loss"), [step.TotalLoss], 1e-5, "total loss");
        foreach (Parameter parameter in step.Network.Parameters) CheckGradient(file, parameter, step.Gradient(parameter));
    }

    private static void CheckScores(SafeTensorsFile file, Backend backend, Tensor scores, string name)
    {
        MapSize size = scores.Shape.Maps[0];
        int classes = scores.Shape.Channels;
        Assert.Equal([1, classes, size.Height, size.Width], file.Get(name).Shape);
        double[] expected = file.ReadDouble(name), actual = backend.Read(scores);
        double largest = expected.Max(Math.Abs);
        for (int k = 0; k < expected.Length; k++)
        {
            int c = k / size.Pixels, pixel = k % size.Pixels;
            double difference = Math.Abs(actual[(pixel * classes) + c] - expected[k]);
            Assert.True(difference <= 1e-4 * largest, $"{name} of class {c} at pixel {pixel} is {difference:e1} off; the largest is {largest:f3}");
        }
    }

    private static void CheckGradient(SafeTensorsFile file, Parameter parameter, double[] gradient)
    {
        double norm = Math.Sqrt(gradient.Sum(v => v * v));
        Compare.Near(file.ReadDouble($"grad.{parameter.Name}.norm"), [norm], 1e-2, $"norm of the gradient of {parameter.Name}");
        double[] samples = [.. HashUniform.SampleIndices(gradient.Length).Select(i => gradient[i])];
        Compare.Near(file.ReadDouble($"grad.{parameter.Name}.samples"), samples, 1e-2, $"gradient of {parameter.Name}");
    }
}
