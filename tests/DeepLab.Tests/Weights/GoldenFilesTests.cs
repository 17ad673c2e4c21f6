using System.Text.Json;
using DeepLab.Tensors;
using DeepLab.Weights.Formats.PyTorch;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Weights;

/// <summary>
/// The golden files are written by Python: they test the reader, and that both languages generate the same inputs.
/// </summary>
public sealed class GoldenFilesTests
{
    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "network", name + ".safetensors");

    [Theory]
    [InlineData("resnet18-21-65x65", 108)]
    [InlineData("resnet50-6-97x129", 273)]
    public void Weights_made_from_names_are_those_of_the_script(string name, int count)
    {
        using var file = SafeTensorsFile.Open(Golden(name));
        IReadOnlyDictionary<string, GoldenWeights.Tensor> state = GoldenWeights.StateDict(int.Parse(file.Metadata["depth"]), int.Parse(file.Metadata["classes"]));
        double[] sums = file.ReadDouble("weights.sums");
        Assert.Equal(count, sums.Length);
        Assert.Equal(count, state.Count);
        int i = 0;
        foreach ((string parameter, GoldenWeights.Tensor tensor) in state.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            double sum = 0, size = 0;
            foreach (float value in tensor.Data)
            {
                sum += value;
                size += Math.Abs(value);
            }

            Assert.True(Math.Abs(sum - sums[i]) <= 1e-12 * size, $"{parameter}: {sum}, expected {sums[i]}");
            i++;
        }
    }

    [Theory]
    [InlineData("resnet18-21-97x129")]
    [InlineData("resnet50-6-65x65")]
    public void Labels_made_from_names_are_those_of_the_script(string name)
    {
        using var file = SafeTensorsFile.Open(Golden(name));
        int height = int.Parse(file.Metadata["height"]), width = int.Parse(file.Metadata["width"]);
        byte[] labels = HashUniform.Labels(name, "label", height, width, int.Parse(file.Metadata["classes"]));
        Assert.Equal(file.ReadSingle("label"), labels.Select(v => (float)v));
        Assert.Contains((byte)255, labels);
    }

    [Theory]
    [InlineData("convolutions", 18)]
    [InlineData("maps", 14)]
    [InlineData("blocks", 7)]
    public void Layer_cases_are_described_and_come_with_result_and_gradients(string name, int cases)
    {
        using var file = SafeTensorsFile.Open(Golden(name));
        Assert.Equal(cases, file.Metadata.Count);
        foreach ((string key, string description) in file.Metadata)
        {
            using var json = JsonDocument.Parse(description);
            Assert.Equal(json.RootElement.GetProperty("output").EnumerateArray().Select(v => v.GetInt64()), file.Get($"{key}.y").Shape);
            Assert.True(file.TryGet($"{key}.grad.x", out _) || file.TryGet($"{key}.grad.x0", out _));
        }
    }
}
