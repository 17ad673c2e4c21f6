using DeepLab.Models;
using DeepLab.Tests.Data;
using DeepLab.Tests.Weights;
using DeepLab.Weights;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class ConvertCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-convert-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Weights_go_through_every_format_and_come_back_byte_for_byte_with_one_checksum()
    {
        string first = PathOf("a.safetensors"), second = PathOf("c.safetensors"), pth = PathOf("b.pth"), names = PathOf("labels.txt");
        TinyNetwork.Save(first, 2);
        File.WriteAllText(names, "0 sky\n1 land\n");
        CliRun named = CliRun.Of("convert", first, second, "--classes-file", names), toPth = CliRun.Of("convert", second, pth), back = CliRun.Of("convert", pth, PathOf("d.safetensors"));
        Assert.All([named, toPth, back], run => Assert.Equal((0, ""), (run.Status, run.Error)));
        Assert.Equal(File.ReadAllBytes(second), File.ReadAllBytes(PathOf("d.safetensors")));
        Assert.Single(new[] { named, toPth, back, CliRun.Of("info", pth) }.Select(Checksum).Distinct());
        Assert.Contains("classes           2 (sky, land)\n", back.Out, StringComparison.Ordinal);
        Assert.Contains("format            PyTorch (zip)\n", back.Out, StringComparison.Ordinal);
        Assert.Contains("names             the seed's names (Scale.conv1.weight, ...)\n", back.Out, StringComparison.Ordinal);
        Assert.Contains("parameters        11,213,384\n", back.Out, StringComparison.Ordinal);

        string photo = PathOf("photo.png");
        TinyDataset.RandomImage(40, 50, 1).Save(photo);
        CliRun predicted = CliRun.Of("predict", "--weights", pth, "-o", PathOf("masks"), photo);
        Assert.Equal((0, ""), (predicted.Status, predicted.Error));
        Assert.Matches(@"photo\.png: (sky|land) \d+\.\d%", predicted.Out);

        CliRun onnx = CliRun.Of("convert", pth, PathOf("net.onnx"), "--one-scale");
        Assert.Equal((0, Checksum(named)), (onnx.Status, Checksum(onnx)));
        Assert.True(new FileInfo(PathOf("net.onnx")).Length > 4 * 11_000_000);
    }

    [Fact]
    public void Other_classes_or_depth_than_expected_are_refused_and_so_are_unknown_extensions()
    {
        string file = PathOf("a.safetensors"), other = PathOf("b.pth");
        TinyNetwork.Save(file, 2);
        CliRun classes = CliRun.Of("convert", file, other, "--NoLabels", "21"), depth = CliRun.Of("convert", file, other, "--depth", "101");
        Assert.Equal((1, $"deeplab: {file} has 2 classes, but --classes says 21: \"deeplab init\" makes a last layer for other classes\n"), (classes.Status, classes.Error));
        Assert.Equal((1, $"deeplab: {file} holds a network of depth 18, but --depth says 101\n"), (depth.Status, depth.Error));
        CliRun extension = CliRun.Of("convert", file, PathOf("b.npz"));
        Assert.Equal(2, extension.Status);
        Assert.Contains("must end in .pth, .safetensors, .onnx", extension.Error, StringComparison.Ordinal);
        Assert.Equal(2, CliRun.Of("convert", file, other, "--one-scale").Status);
        Assert.Equal(1, CliRun.Of("convert", PathOf("none.pth"), other).Status);
        Assert.False(File.Exists(other));
    }

    [Fact]
    public void A_backbone_is_told_to_go_through_net_surgery_which_keeps_its_preprocessing()
    {
        string file = PathOf("resnet18.safetensors"), start = PathOf("start.pth");
        WriteBackbone(file);
        CliRun convert = CliRun.Of("convert", file, PathOf("b.pth"));
        Assert.Equal(1, convert.Status);
        Assert.Contains($"deeplab: {file}: holds a ResNet-18 without DeepLab's last layer", convert.Error, StringComparison.Ordinal);
        Assert.Equal(1, CliRun.Of("predict", "--weights", file, "-o", _folder, PathOf("a.jpg")).Status);

        CliRun init = CliRun.Of("init", "--from", file, "--classes", "5", "--seed", "3", "-o", start);
        Assert.Equal((0, ""), (init.Status, init.Error));
        Assert.Contains("left out          fc.weight, fc.bias\n", init.Out, StringComparison.Ordinal);
        using NetworkWeights weights = NetworkWeights.Open(start);
        Assert.Equal(new DeepLabConfiguration(18, 5) { Preprocessing = Preprocessing.TorchVision }, weights.Configuration);
        Assert.Equal(HashUniform.Values(FakeTensorFile, "layer2.0.downsample.0.weight", 64 * 128), Read(weights, "Scale.layer2.0.downsample.0.weight", 64 * 128));
        float[] head = Read(weights, "Scale.layer5.conv2d_list.1.weight", 5 * 512 * 9);
        Assert.Equal(0.01, Math.Sqrt(head.Average(v => (double)v * v)), 2e-4);
        Assert.Equal(new float[5], Read(weights, "Scale.layer5.conv2d_list.3.bias", 5));
        Assert.Equal(0, CliRun.Of("init", "--from", file, "--classes", "5", "--seed", "3", "-o", PathOf("again.pth")).Status);
        Assert.Equal(File.ReadAllBytes(start), File.ReadAllBytes(PathOf("again.pth")));
        Assert.Equal(2, CliRun.Of("init", "--from", file, "-o", PathOf("start.onnx")).Status);
        CliRun surgery = CliRun.Of("init", "--from", start, "--NoLabels", "5", "--seed", "4", "-o", PathOf("other.pth"));
        Assert.NotEqual(Checksum(init), Checksum(surgery));
    }

    private const string FakeTensorFile = "fake";

    private static string Checksum(CliRun run) => run.Out.Split('\n').First(l => l.StartsWith("checksum", StringComparison.Ordinal));

    private static float[] Read(NetworkWeights weights, string name, int count)
    {
        var values = new float[count];
        weights.Read(name, values);
        return values;
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static void WriteBackbone(string path)
    {
        IEnumerable<(string Name, long[] Shape)> tensors = NetworkLayout.Of(new DeepLabConfiguration(18), withHead: false).Tensors
            .Select(t => (t.Name[NetworkLayout.Prefix.Length..], t.Shape.ToArray()))
            .Append(("fc.weight", [1000, 512])).Append(("fc.bias", [1000]));
        SafeTensorsWriter.Write(path, [.. tensors.Select(t => (t.Name, t.Shape,
            (ReadOnlyMemory<float>)HashUniform.Values(FakeTensorFile, t.Name, (int)t.Shape.Aggregate(1L, (n, side) => n * side))))]);
    }
}
