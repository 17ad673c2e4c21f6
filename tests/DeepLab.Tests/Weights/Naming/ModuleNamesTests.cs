using DeepLab.Models;
using DeepLab.Weights;
using DeepLab.Weights.Naming;
using Xunit;

namespace DeepLab.Tests.Weights.Naming;

public sealed class ModuleNamesTests
{
    public static TheoryData<string, string, string> Names => new()
    {
        { "kazuto1011's names (", "conv1.weight", "base.layer1.conv1.conv.weight" },
        { "kazuto1011's names (", "bn1.running_var", "base.layer1.conv1.bn.running_var" },
        { "kazuto1011's names (", "layer1.0.conv1.weight", "base.layer2.block1.reduce.conv.weight" },
        { "kazuto1011's names (", "layer3.22.bn2.bias", "base.layer4.block23.conv3x3.bn.bias" },
        { "kazuto1011's names (", "layer4.2.conv3.weight", "base.layer5.block3.increase.conv.weight" },
        { "kazuto1011's names (", "layer2.0.downsample.0.weight", "base.layer3.block1.shortcut.conv.weight" },
        { "kazuto1011's names (", "layer2.0.downsample.1.running_mean", "base.layer3.block1.shortcut.bn.running_mean" },
        { "kazuto1011's names (", "layer5.conv2d_list.3.bias", "base.aspp.c3.bias" },
        { "kazuto1011's names without", "layer5.conv2d_list.0.weight", "aspp.c0.weight" },
        { "the seed's names (", "layer1.2.bn3.weight", "Scale.layer1.2.bn3.weight" },
        { "torchvision's", "layer1.0.downsample.1.bias", "layer1.0.downsample.1.bias" },
    };

    public static TheoryData<int, int> SchemesAndDepths
    {
        get
        {
            var data = new TheoryData<int, int>();
            for (int scheme = 0; scheme < NamingScheme.All.Count; scheme++)
            {
                foreach (int depth in DeepLabConfiguration.Depths)
                {
                    // All of kazuto1011's blocks are bottlenecks.
                    if (depth >= 50 || !NamingScheme.All[scheme].Title.StartsWith("kazuto", StringComparison.Ordinal)) data.Add(scheme, depth);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Tensors_have_the_names_that_others_give_them(string title, string path, string expected) =>
        Assert.Equal(expected, NamingScheme.All.First(s => s.Title.StartsWith(title, StringComparison.Ordinal)).NameOf(NetworkLayout.Of(new DeepLabConfiguration()).Find($"Scale.{path}")!));

    [Theory]
    [MemberData(nameof(SchemesAndDepths))]
    public void Every_scheme_is_recognised_with_its_depth_and_its_wrappers(int index, int depth)
    {
        NamingScheme scheme = NamingScheme.All[index];
        foreach (string prefix in (string[])["", "module.", "module.module."])
        {
            using FakeTensorFile file = FileOf(scheme, depth, prefix);
            using NetworkWeights weights = NetworkWeights.Recognise(file);
            Assert.Equal(prefix.Length == 0 ? scheme.Title : $"{scheme.Title}, each behind {prefix}", weights.NamingScheme);
            Assert.Equal(depth, weights.Configuration.Depth);
            Assert.Equal(scheme.HasHead, weights.HasHead);
            if (weights.HasHead) Assert.Equal(7, weights.Configuration.Classes);
            Assert.Equal(!scheme.HasHead, weights.Configuration.Preprocessing == Preprocessing.TorchVision);
            Assert.Equal(!scheme.HasHead && depth >= 50, weights.Configuration.StrideOn3x3);
            Assert.Equal(scheme.LeftOut.Select(name => prefix + name), weights.LeftOut);

            var values = new float[64];
            weights.Read("Scale.bn1.running_mean", values);
            Assert.Equal(HashUniform.Values(FakeTensorFile.Case, prefix + scheme.NameOf(LayerPlace.Stem, TensorRole.Mean), 64), values);
        }
    }

    [Fact]
    public void Problems_are_told_by_the_names_of_the_file()
    {
        NamingScheme scheme = NamingScheme.All.First(s => s.Title.StartsWith("kazuto", StringComparison.Ordinal));
        using FakeTensorFile whole = FileOf(scheme, 50, "module.");
        var tensors = whole.Tensors.Where(t => t.Name != "module.base.layer2.block1.reduce.bn.bias").ToList();
        tensors[0] = tensors[0] with { Shape = [64, 3, 3, 3] };
        tensors.Add(new TensorInfo("module.base.extra", TensorType.F32, [1]));
        using var file = new FakeTensorFile(tensors);
        Assert.Equal(
            [
                "module.base.layer1.conv1.conv.weight is [64, 3, 3, 3], not [64, 3, 7, 7]", "module.base.layer2.block1.reduce.bn.bias is missing",
                "'module.base.extra' is not part of the network",
            ],
            Recogniser.Recognise(file).FindProblems());
    }

    [Fact]
    public void An_unknown_file_is_refused_with_its_names_and_the_nearest_scheme()
    {
        using FakeTensorFile whole = FileOf(NamingScheme.Seed, 50, "");
        using var file = new FakeTensorFile(whole.Tensors.Where(t => !t.Name.StartsWith("Scale.layer2.1.", StringComparison.Ordinal)));
        string message = Assert.Throws<InvalidFileException>(() => Recogniser.Recognise(file)).Message;
        Assert.StartsWith("fake: holds no DeepLab-ResNet of 18, 34, 50, 101 or 152 layers that is known, but 'Scale.conv1.weight', ", message, StringComparison.Ordinal);
        Assert.EndsWith(
            "nearest are the seed's names (Scale.conv1.weight, ...), of which it has 258; Scale.layer2.1.conv1.weight is missing", message, StringComparison.Ordinal);

        using var other = new FakeTensorFile([new TensorInfo("transformer.wte\n", TensorType.F32, [2])]);
        message = Assert.Throws<InvalidFileException>(() => Recogniser.Recognise(other)).Message;
        Assert.EndsWith("but 'transformer.wte '; none of them is a name that is known", message, StringComparison.Ordinal);
    }

    private static FakeTensorFile FileOf(NamingScheme scheme, int depth, string prefix)
    {
        IEnumerable<TensorInfo> tensors = NetworkLayout.Of(new DeepLabConfiguration(depth, 7), scheme.HasHead).Tensors
            .Select(t => new TensorInfo(prefix + scheme.NameOf(t), TensorType.F32, t.Shape));
        IEnumerable<TensorInfo> leftOut = scheme.LeftOut.Select(name => new TensorInfo(prefix + name, TensorType.F32, [1000]));
        IEnumerable<TensorInfo> counters = [new TensorInfo(prefix + "bn1.num_batches_tracked", TensorType.I64, [])];
        return new FakeTensorFile(tensors.Concat(leftOut).Concat(counters));
    }
}
