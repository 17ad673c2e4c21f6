using DeepLab.Backends.Cpu;
using DeepLab.Models;
using DeepLab.Tests.Models;
using DeepLab.Weights;
using DeepLab.Weights.Formats.Onnx;
using DeepLab.Weights.Formats.Onnx.Schema;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.Onnx;

public sealed class OnnxWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-onnx-").FullName;
    private readonly CpuBackend _backend = new(threads: 1);

    private string FilePath => Path.Combine(_folder, "new", "net.onnx");

    public void Dispose()
    {
        _backend.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("resnet18-21-65x65", true, "scores.fused")]
    [InlineData("resnet50-6-65x65", false, "scores.1")]
    public void A_file_computes_the_scores_of_the_reference(string name, bool threeScales, string expected)
    {
        using var golden = SafeTensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "network", name + ".safetensors"));
        int Number(string key) => int.Parse(golden.Metadata[key]);
        DeepLabResNet network = NetworkBench.NewNetwork(_backend, Number("depth"), Number("classes"));
        OnnxWriter.Write(FilePath, NetworkWeights.Of(network), new OnnxOptions { ThreeScales = threeScales });

        int[] shape = [1, 3, Number("height"), Number("width")];
        double[] image = [.. HashUniform.Values(name, golden.Metadata["image"], 3 * shape[2] * shape[3], u => 100 * u).Select(v => (double)v)];
        OnnxValue scores = new OnnxInterpreter(Read().Graph).Run(new OnnxValue(shape, image), "scores");
        Assert.Equal(golden.Get(expected).Shape, scores.Shape.Select(side => (long)side));
        double[] reference = golden.ReadDouble(expected);
        double largest = reference.Max(Math.Abs), error = reference.Zip(scores.Data, (a, b) => Math.Abs(a - b)).Max() / largest;
        Assert.True(error <= 1e-5, $"{error:e1} of the largest score, {largest:f3}");
    }

    [Fact]
    public void Weights_are_written_once_with_batch_norm_folded_in()
    {
        DeepLabResNet network = TinyNetwork.WithAnyValues(_backend, 18, 3);
        NetworkWeights weights = NetworkWeights.Of(network);
        float[] Values(string name) => network.State.Single(t => t.Name == name).ToArray();
        network.State.Single(t => t.Name == "Scale.layer2.0.downsample.1.running_var").CopyFrom([.. HashUniform.Values(5, 128).Select(u => u + 1.1f)]);
        OnnxWriter.Write(FilePath, weights, new OnnxOptions());

        ModelProto model = Read();
        Assert.Equal(13, Assert.Single(model.OpsetImport).Version);
        Dictionary<string, OnnxValue> written = model.Graph.Initializer.Where(t => t.HasRawData).ToDictionary(t => t.Name, OnnxValue.Of);
        Assert.Equal((20 + 4) * 2, written.Count);
        Assert.Equal([64, 3, 7, 7], written["Scale.conv1.weight"].Shape);
        foreach (string name in (string[])["Scale.layer5.conv2d_list.2.weight", "Scale.layer5.conv2d_list.2.bias"])
            Assert.Equal(Values(name).Select(v => (double)v), written[name].Data);

        float[] kernel = Values("Scale.layer2.0.downsample.0.weight"), gamma = Values("Scale.layer2.0.downsample.1.weight"), beta = Values("Scale.layer2.0.downsample.1.bias");
        float[] mean = Values("Scale.layer2.0.downsample.1.running_mean"), variance = Values("Scale.layer2.0.downsample.1.running_var");
        for (int o = 0; o < 128; o++)
        {
            double scale = gamma[o] / Math.Sqrt(variance[o] + 1e-5);
            Assert.Equal((float)(beta[o] - (mean[o] * scale)), written["Scale.layer2.0.downsample.0.bias"].Data[o]);
            for (int i = 64 * o; i < 64 * (o + 1); i++) Assert.Equal((float)(kernel[i] * scale), written["Scale.layer2.0.downsample.0.weight"].Data[i]);
        }
    }

    [Fact]
    public void Equal_networks_give_equal_files_little_larger_than_their_weights()
    {
        using NetworkWeights weights = Ones();
        OnnxWriter.Write(FilePath, weights, new OnnxOptions());
        byte[] first = File.ReadAllBytes(FilePath);
        OnnxWriter.Write(FilePath, Ones(), new OnnxOptions());
        Assert.True(first.AsSpan().SequenceEqual(File.ReadAllBytes(FilePath)));
        Assert.Equal([FilePath], Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
        long parameters = weights.Tensors.Where(t => t.Shape.Count == 4 || t.Name.EndsWith(".bias", StringComparison.Ordinal)).Sum(t => t.Count);
        Assert.InRange(first.Length, 4 * parameters, (4 * parameters) + 50_000);
    }

    [Fact]
    public void Weights_pass_through_memory_one_convolution_at_a_time()
    {
        using NetworkWeights weights = Ones();
        long before = GC.GetAllocatedBytesForCurrentThread();
        OnnxWriter.Write(FilePath, weights, new OnnxOptions());
        long largest = 4 * weights.Tensors.Max(t => t.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, largest, largest + 4_000_000);
        Assert.Equal(4 * 512 * 512 * 9, largest);
    }

    [Fact]
    public void A_failure_leaves_no_file()
    {
        Assert.Throws<DeepLabException>(() => OnnxWriter.Write(FilePath, Ones(unreadable: "Scale.layer4.1.bn2.bias"), new OnnxOptions()));
        Assert.Empty(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories));
        Directory.CreateDirectory(FilePath);
        string message = Assert.Throws<DeepLabException>(() => OnnxWriter.Write(FilePath, Ones(), new OnnxOptions())).Message;
        Assert.StartsWith($"{FilePath}: cannot be written: ", message, StringComparison.Ordinal);
    }

    private ModelProto Read()
    {
        using FileStream stream = File.OpenRead(FilePath);
        return ModelProto.Parser.ParseFrom(stream);
    }

    /// <summary>Weights that take no memory: all ones.</summary>
    private static NetworkWeights Ones(string? unreadable = null) =>
        NetworkWeights.Recognise(new FakeTensorFile(NetworkLayout.Of(new DeepLabConfiguration(18, 3)).Tensors) { Constant = 1, Unreadable = unreadable });
}
