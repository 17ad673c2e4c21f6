using System.Text.RegularExpressions;
using DeepLab.Models;
using DeepLab.Tests.Weights.Formats.Caffe;
using DeepLab.Weights;
using DeepLab.Weights.Formats.Caffe;
using DeepLab.Weights.Naming;
using Xunit;

namespace DeepLab.Tests.Weights.Naming;

public sealed class CaffeWeightsTests
{
    [Theory]
    [InlineData(18, 21, null)]
    [InlineData(34, 2, null)]
    [InlineData(50, 11, null)]
    [InlineData(101, 255, null)]
    [InlineData(152, 3, null)]
    [InlineData(101, 3, true)]
    [InlineData(50, 3, false)]
    [InlineData(18, 3, false)]
    public void Depth_classes_and_naming_are_recognised(int depth, int classes, bool? lettered)
    {
        FakeCaffeModel file = FakeCaffeModel.Of(depth, classes, lettered: lettered);
        CaffeNames names = Recognise(file);
        Assert.Equal(new DeepLabConfiguration(depth, classes), names.Configuration);
        Assert.True(names.HasHead);
        Assert.False(names.IsThreeScale);
        Assert.Empty(names.LeftOut);
        Assert.Empty(names.FindProblems());
        Assert.Empty(names.FindDifferences());
    }

    [Fact]
    public void Blocks_may_be_lettered_in_one_stage_and_numbered_in_another()
    {
        var file = new FakeCaffeModel();
        foreach ((string name, long[] shape) in FakeCaffeModel.Of(101, lettered: false).Shapes)
            file.Shapes.Add(Regex.Replace(name, "(?<=res|bn|scale)3b([1-3])", m => $"3{"abcd"[m.Groups[1].Value[0] - '0']}"), shape);
        Assert.True(file.Shapes.ContainsKey("scale3d_branch2c[1]") && file.Shapes.ContainsKey("scale4b22_branch2c[1]"));
        CaffeNames names = Recognise(file);
        Assert.Equal(101, names.Configuration.Depth);
        Assert.Empty(names.FindProblems());
    }

    [Fact]
    public void A_file_through_the_reader_gives_every_array_of_the_network()
    {
        FakeCaffeModel model = FakeCaffeModel.Of(18);
        byte[] bytes = [.. model.Tensors.GroupBy(t => t.Name[..^3]).SelectMany(layer =>
            CaffeBytes.Layer(layer.Key, [.. layer.Select(t => CaffeBytes.Blob([.. t.Shape], model.Values(t.Name, (int)t.Count)))]))];
        using CaffeModelFile file = CaffeModelFile.Parse(bytes, "name");
        using NetworkWeights weights = NetworkWeights.Recognise(file);
        Assert.Equal(NetworkLayout.Of(new DeepLabConfiguration(18, 3)).Tensors.Select(t => t.Name), weights.Tensors.Select(t => t.Name));
        foreach (TensorInfo tensor in weights.Tensors)
        {
            var values = new float[tensor.Count];
            weights.Read(tensor.Name, values);
            Assert.True(Expected(model, tensor).AsSpan().SequenceEqual(values), tensor.Name);
        }
    }

    [Fact]
    public void Statistics_are_divided_by_their_factor_and_0_stands_for_0()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(18);
        file.Constants["bn_conv1[0]"] = 1;
        file.Constants["bn_conv1[1]"] = 2;
        file.Constants["bn_conv1[2]"] = 999.98236f;
        file.Constants["bn3a_branch1[2]"] = 0;
        using NetworkWeights weights = NetworkWeights.Recognise(file);
        Assert.Equal((float)(1 / (double)999.98236f), Read(weights, "Scale.bn1.running_mean", 64)[63]);
        Assert.Equal((float)(2 / (double)999.98236f), Read(weights, "Scale.bn1.running_var", 64)[0]);
        Assert.All(Read(weights, "Scale.layer2.0.downsample.1.running_mean", 128), v => Assert.Equal(0, v));
        Assert.All(Read(weights, "Scale.layer2.0.downsample.1.running_var", 128), v => Assert.Equal(0, v));
    }

    [Fact]
    public void A_bias_before_a_batch_norm_is_taken_off_the_mean()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(50, head: null);
        file.Shapes.Add("conv1[1]", [1, 1, 1, 64]);
        file.Constants["conv1[1]"] = 0.25f;
        file.Constants["bn_conv1[0]"] = 3;
        file.Constants["bn_conv1[1]"] = 5;
        file.Constants["bn_conv1[2]"] = 2;
        using NetworkWeights weights = NetworkWeights.Recognise(file);
        Assert.All(Read(weights, "Scale.bn1.running_mean", 64), v => Assert.Equal(1.25f, v));
        Assert.All(Read(weights, "Scale.bn1.running_var", 64), v => Assert.Equal(2.5f, v));
        file.Shapes["conv1[1]"] = [63];
        Assert.Equal(["conv1[1] is [63], not [64]"], Recognise(file).FindProblems());
    }

    [Theory]
    [InlineData("fc1000", true)]
    [InlineData("fc1_coco", true)]
    [InlineData("fc1_voc12", true)]
    [InlineData("classifier", false)]
    public void Last_layers_of_other_networks_are_left_out_and_named(string layer, bool leftOut)
    {
        FakeCaffeModel file = FakeCaffeModel.Of(101, head: null);
        file.Shapes.Add($"{layer}[0]", [1000, 2048]);
        file.Shapes.Add($"{layer}[1]", [1000]);
        CaffeNames names = Recognise(file);
        Assert.False(names.HasHead);
        Assert.Equal(101, names.Configuration.Depth);
        Assert.Equal(leftOut ? [layer] : [], names.LeftOut);
        Assert.Equal(leftOut ? [] : ["'classifier[0]' is not part of the network", "'classifier[1]' is not part of the network"], names.FindProblems());
        if (!leftOut) return;
        using NetworkWeights weights = NetworkWeights.Recognise(file);
        Assert.Throws<ArgumentException>(() => weights.Read("Scale.layer5.conv2d_list.0.weight", new float[9]));
        Assert.Equal("model: holds a ResNet-101 without DeepLab's last layer", Assert.Throws<InvalidFileException>(weights.RequireHead).Message);
    }

    [Fact]
    public void The_last_layer_may_have_any_name_and_a_second_one_is_left_over()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(18, classes: 91, head: "fc1_coco");
        using NetworkWeights weights = NetworkWeights.Recognise(file);
        Assert.Equal(91, weights.Configuration.Classes);
        Assert.Equal(file.Values("fc1_coco_c1[1]", 91), Read(weights, "Scale.layer5.conv2d_list.1.bias", 91));
        file.Shapes.Add("fc1_other_c0[0]", [3, 512, 3, 3]);
        Assert.Equal(["'fc1_other_c0[0]' is not part of the network"], Recognise(file).FindProblems());
    }

    [Fact]
    public void What_is_missing_misshapen_or_left_over_is_all_listed_by_Caffes_names()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(18);
        file.Shapes["conv1[0]"] = [64, 3, 5, 5];
        file.Shapes["bn_conv1[0]"] = [1, 1, 1, 64];
        file.Shapes["bn_conv1[1]"] = [1, 64, 1, 1];
        file.Shapes["bn_conv1[2]"] = [1, 1, 1, 1];
        file.Shapes["scale_conv1[0]"] = [8, 8];
        file.Shapes["scale_conv1[1]"] = [1, 1, 2, 32, 1, 1, 1];
        file.Shapes["fc1_voc12_c3[1]"] = [];
        file.Shapes.Remove("res2a_branch2b[0]");
        file.Shapes.Remove("fc1_voc12_c0[0]");
        file.Shapes.Add("new\nline[0]", [2]);
        file.Shapes.Add("conv1_res05_relu[0]", [2]);
        string[] problems =
        [
            "conv1[0] is [64, 3, 5, 5], not [64, 3, 7, 7]",
            "scale_conv1[0] is [8, 8], not [64]",
            "scale_conv1[1] is [1, 1, 2, 32, 1, 1, ...], not [64]",
            "res2a_branch2b[0] is missing",
            "fc1_voc12_c0[0] is missing",
            "fc1_voc12_c3[1] is [], not [3]",
            "'new line[0]' is not part of the network",
            "'conv1_res05_relu[0]' is not part of the network",
        ];
        Assert.Equal(problems, Recognise(file).FindProblems());
        Assert.Equal(
            $"model: does not fit a DeepLab-ResNet-18: {string.Join("; ", problems)}",
            Assert.Throws<InvalidFileException>(() => NetworkWeights.Recognise(file)).Message);
    }

    [Fact]
    public void A_three_scale_file_holds_every_layer_three_times_with_the_same_values()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(18, threeScales: true);
        CaffeNames names = Recognise(file);
        Assert.True(names.IsThreeScale);
        Assert.Empty(names.FindProblems());
        Assert.Empty(names.FindDifferences());
        Assert.Empty(names.FindNotes());
        file.Constants["bn_conv1_res05[2]"] = 1;
        file.Constants["fc1_voc12_res075_c2[1]"] = 0.5f;
        Assert.Equal(["bn_conv1_res05[2]", "fc1_voc12_res075_c2[1]"], names.FindDifferences());
        Assert.EndsWith("others are in bn_conv1_res05[2], fc1_voc12_res075_c2[1]", Assert.Single(names.FindNotes()), StringComparison.Ordinal);

        // Missing or misshapen blobs cannot differ.
        file.Shapes.Remove("bn_conv1_res05[2]");
        file.Shapes["fc1_voc12_res075_c2[1]"] = [4];
        file.Shapes.Add("conv1_res05[1]", [64]);
        Assert.Equal(
            ["fc1_voc12_res075_c2[1] is [4], not [3]", "bn_conv1_res05[2] is missing", "'conv1_res05[1]' is not part of the network"],
            names.FindProblems());
        Assert.Empty(names.FindDifferences());
    }

    [Fact]
    public void A_part_of_a_scale_is_not_enough()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(18);
        file.Shapes.Add("conv1_res05[0]", [64, 3, 7, 7]);
        IReadOnlyList<string> problems = Recognise(file).FindProblems();
        Assert.Equal((2 * file.Shapes.Count) - 3, problems.Count);
        Assert.Equal("conv1_res075[0] is missing", problems[0]);
        Assert.DoesNotContain("conv1_res05[0] is missing", problems);
    }

    [Fact]
    public void Networks_of_no_known_depth_or_number_of_classes_are_refused()
    {
        FakeCaffeModel file = FakeCaffeModel.Of(18);
        foreach (string name in file.Shapes.Keys.Where(n => n.StartsWith("res5b", StringComparison.Ordinal)).ToList()) file.Shapes.Remove(name);
        Assert.Equal(
            "model: holds no ResNet that is known: basic blocks, 2, 2, 2, 1 of them in the stages res2 to res5; depths 18, 34, 50, 101 and 152 are",
            Assert.Throws<InvalidFileException>(() => CaffeNames.Recognise(file)).Message);
        foreach (int classes in (int[])[0, 1, 256])
        {
            var e = Assert.Throws<InvalidFileException>(() => CaffeNames.Recognise(FakeCaffeModel.Of(18, classes)));
            Assert.Equal($"model: its last layer 'fc1_voc12' has {classes} classes; from 2 to 255 are possible", e.Message);
        }

        Assert.Null(CaffeNames.Recognise(new FakeCaffeModel()));
    }

    private static CaffeNames Recognise(FakeCaffeModel file) => Assert.IsType<CaffeNames>(Recogniser.Recognise(file));

    private static float[] Read(NetworkWeights weights, string name, int count)
    {
        var values = new float[count];
        weights.Read(name, values);
        return values;
    }

    /// <summary>
    /// One of our arrays from the model's blobs, derived the other way: from our name to the layer's.
    /// </summary>
    private static float[] Expected(FakeCaffeModel model, TensorInfo tensor)
    {
        int length = (int)tensor.Count;
        string[] parts = tensor.Name.Split('.');
        string layer = parts switch
        {
            [_, "layer5", _, string branch, _] => $"fc1_voc12_c{branch}",
            [_, string stage, string block, "downsample", _, _] => $"{stage[^1] - '0' + 1}{"ab"[block[0] - '0']}_branch1",
            [_, string stage, string block, string convolution, _] => $"{stage[^1] - '0' + 1}{"ab"[block[0] - '0']}_branch2{"_abc"[convolution[^1] - '0']}",
            _ => "_conv1",
        };
        bool norm = parts[^2].StartsWith("bn", StringComparison.Ordinal) || (parts[^2] == "1" && parts[^3] == "downsample");
        if (!norm && layer == "_conv1") layer = "conv1";
        else if (!norm && parts[1] != "layer5") layer = $"res{layer}";
        if (!norm) return model.Values($"{layer}[{(parts[^1] == "bias" ? 1 : 0)}]", length);
        if (parts[^1] is "weight" or "bias") return model.Values($"scale{layer}[{(parts[^1] == "bias" ? 1 : 0)}]", length);
        double factor = model.Values($"bn{layer}[2]", 1)[0];
        return [.. model.Values($"bn{layer}[{(parts[^1] == "running_var" ? 1 : 0)}]", length).Select(v => (float)(v / factor))];
    }
}
