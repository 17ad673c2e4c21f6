using System.Collections.Immutable;
using System.Globalization;
using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.IO;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Weights;
using DeepLab.Weights.Formats.Onnx;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.Onnx;

/// <summary>
/// The .NET part of <c>tests/reference/check_onnx.py</c>, which compares it with ONNX Runtime and PyTorch: .onnx files,
/// and our own engine's scores for the same inputs. Only that script runs it, since it takes hundreds of megabytes.
/// </summary>
public sealed class OnnxRuntimeCases
{
    [Theory(Explicit = true)]
    [InlineData(18, 21, "caffe", false)]
    [InlineData(18, 21, "torchvision", false)]
    [InlineData(50, 6, "caffe", false)]
    [InlineData(50, 6, "torchvision", true)]
    public void Files_and_scores_for_the_script_are_written(int depth, int classes, string preprocessing, bool strideOn3x3)
    {
        string folder = Environment.GetEnvironmentVariable("DEEPLAB_ONNX_CASES") ?? throw new InvalidOperationException("DEEPLAB_ONNX_CASES names no folder.");
        var configuration = new DeepLabConfiguration(depth, classes) { Preprocessing = Preprocessing.All.Single(p => p.Name == preprocessing), StrideOn3x3 = strideOn3x3 };
        using var backend = new CpuBackend();
        var network = new DeepLabResNet(backend, configuration);
        IReadOnlyDictionary<string, GoldenWeights.Tensor> state = GoldenWeights.StateDict(depth, classes);
        foreach (StateTensor tensor in network.State) tensor.CopyFrom(state[tensor.Name].Data);

        // The golden weights are scaled for inputs as large as Caffe's; a power of two keeps them exact.
        if (preprocessing == "torchvision") network.ResNet.Stem.Weight.CopyFrom([.. network.ResNet.Stem.Weight.ToArray().Select(w => 64 * w)]);
        foreach (bool threeScales in (bool[])[false, true])
        {
            foreach (bool pixels in (bool[])[false, true])
            {
                string file = $"resnet{depth}-{preprocessing}-{(threeScales ? 3 : 1)}-{(pixels ? "pixels" : "preprocessed")}.onnx";
                OnnxWriter.Write(Path.Combine(folder, file), NetworkWeights.Of(network), new OnnxOptions { ThreeScales = threeScales, FoldPreprocessing = pixels });
            }
        }

        string[] inputs = Directory.GetFiles(folder, $"{preprocessing}-*x*.npy");
        Assert.NotEmpty(inputs);
        foreach (string input in inputs)
        {
            string size = Path.GetFileNameWithoutExtension(input)[(preprocessing.Length + 1)..];
            WriteScores(network, input, scales => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"resnet{depth}-{preprocessing}-{scales}-{size}.engine.npy")));
        }
    }

    private static void WriteScores(DeepLabResNet network, string input, Func<int, string> path)
    {
        (int[] shape, float[] values) = NpyFile.Read(input);
        RaggedShape images = new([.. Enumerable.Repeat(new MapSize(shape[2], shape[3]), shape[0])], 3);
        float[] pixels = Reordered(values, shape[0], 3, images.Maps[0].Pixels);
        using Execution execution = network.Backend.CreateExecution();
        execution.Run(network, ExecutionMode.Predict, images, () =>
        {
            MultiScaleScores scores = network.MultiScale.Forward(execution, pixels, images);
            if (execution.IsPlanning) return;
            Write(scores.Outputs[0], path(1));
            Write(scores.Fused, path(3));
        });

        void Write(Tensor scores, string file)
        {
            ImmutableArray<MapSize> maps = scores.Shape.Maps;
            var rows = new float[scores.Shape.Length];
            network.Backend.Download(scores, rows);
            NpyFile.Write(file, [maps.Length, scores.Shape.Channels, maps[0].Height, maps[0].Width], Reordered(rows, maps.Length, maps[0].Pixels, scores.Shape.Channels));
        }
    }

    /// <summary>[maps, a, b] as [maps, b, a].</summary>
    private static float[] Reordered(float[] values, int maps, int a, int b)
    {
        var result = new float[values.Length];
        for (int i = 0; i < values.Length; i++) result[(i / (a * b) * a * b) + (i % b * a) + (i / b % a)] = values[i];
        Assert.Equal(maps * a * b, values.Length);
        return result;
    }
}
