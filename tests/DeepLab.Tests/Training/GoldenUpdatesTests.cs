using System.Globalization;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tests.Models;
using DeepLab.Tests.Oracle;
using DeepLab.Training;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Training;

/// <summary>Ten updates on fixed data against PyTorch in double.</summary>
public sealed class GoldenUpdatesTests
{
    private const int Classes = 6;
    private const int Side = 65;

    [Fact]
    public void Ten_updates_change_the_weights_as_the_reference_does()
    {
        using var file = SafeTensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "network", "updates.safetensors"));
        double Setting(string key) => double.Parse(file.Metadata[key], CultureInfo.InvariantCulture);
        using Backend backend = TestBackends.Create(TestBackends.Tiers[^1].ToString());
        DeepLabResNet network = NetworkBench.NewNetwork(backend, 18, Classes);
        float[][] before = [.. network.Parameters.Select(p => p.ToArray())];
        double[] expectedLosses = file.ReadDouble("losses");
        var options = new TrainingOptions { Iterations = expectedLosses.Length, BaseLearningRate = Setting("rate"), PolyPower = Setting("power") };
        network.SetHeadLearningRateMultiplier((float)Setting("head_multiplier"));
        TrainingSample[] samples = [Sample(0), Sample(1)];
        using Execution execution = backend.CreateExecution();
        using var optimizer = new SgdOptimizer(execution, network.Parameters);
        using var step = new TrainingStep(execution, network, 1);
        var ofScales = new double[step.Outputs];
        var losses = new double[expectedLosses.Length];
        for (int i = 0; i < losses.Length; i++)
        {
            step.Accumulate(samples[i % 2], AugmentationRecipe.Caffe, 1);
            step.ReadLosses(ofScales);
            losses[i] = ofScales.Sum();
            optimizer.Step(options.LearningRateAt(i), Setting("momentum"), Setting("weight_decay"));
        }

        Compare.Near(expectedLosses, losses, 1e-4, "losses of ten updates");
        for (int i = 0; i < before.Length; i++)
        {
            Parameter parameter = network.Parameters[i];
            float[] after = parameter.ToArray();
            double[] change = [.. after.Zip(before[i], (a, b) => (double)a - b)];
            double norm = Math.Sqrt(change.Sum(c => c * c));
            Compare.Near(file.ReadDouble($"change.{parameter.Name}.norm"), [norm], 5e-3, $"norm of the change of {parameter.Name}");
            double[] sampled = [.. HashUniform.SampleIndices(change.Length).Select(k => change[k])];
            Compare.Near(file.ReadDouble($"change.{parameter.Name}.samples"), sampled, 5e-3, $"change of {parameter.Name}");
        }
    }

    private static TrainingSample Sample(int index)
    {
        var sample = new TrainingSample();
        sample.Resize(Side, Side);
        float[] planes = HashUniform.Values("updates", $"x{index}", 3 * Side * Side, u => 100 * u);
        for (int k = 0; k < planes.Length; k++) sample.Pixels[(k % (Side * Side) * 3) + (k / (Side * Side))] = planes[k];
        HashUniform.Labels("updates", $"label{index}", Side, Side, Classes).CopyTo(sample.Labels, 0);
        return sample;
    }
}
