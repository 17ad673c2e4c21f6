using DeepLab.Models;
using DeepLab.Weights;
using DeepLab.Weights.Naming;
using Xunit;

namespace DeepLab.Tests.Weights.Naming;

public sealed class CaffeNamesTests
{
    [Theory]
    [InlineData(101, "conv1", false, "conv1, bn_conv1, scale_conv1")]
    [InlineData(101, "layer1.0.downsample.0", false, "res2a_branch1, bn2a_branch1, scale2a_branch1")]
    [InlineData(101, "layer1.2.conv3", false, "res2c_branch2c, bn2c_branch2c, scale2c_branch2c")]
    [InlineData(101, "layer2.0.conv1", true, "res3a_branch2a, bn3a_branch2a, scale3a_branch2a")]
    [InlineData(101, "layer2.3.conv2", true, "res3b3_branch2b, bn3b3_branch2b, scale3b3_branch2b")]
    [InlineData(101, "layer3.22.conv1", true, "res4b22_branch2a, bn4b22_branch2a, scale4b22_branch2a")]
    [InlineData(101, "layer3.22.conv1", false, "res4w_branch2a, bn4w_branch2a, scale4w_branch2a")]
    [InlineData(101, "layer4.2.conv3", false, "res5c_branch2c, bn5c_branch2c, scale5c_branch2c")]
    [InlineData(152, "layer3.35.conv1", true, "res4b35_branch2a, bn4b35_branch2a, scale4b35_branch2a")]
    [InlineData(152, "layer2.7.conv1", false, "res3h_branch2a, bn3h_branch2a, scale3h_branch2a")]
    [InlineData(50, "layer3.5.conv2", false, "res4f_branch2b, bn4f_branch2b, scale4f_branch2b")]
    [InlineData(18, "layer4.1.conv2", false, "res5b_branch2b, bn5b_branch2b, scale5b_branch2b")]
    [InlineData(34, "layer2.0.downsample.0", false, "res3a_branch1, bn3a_branch1, scale3a_branch1")]
    [InlineData(101, "layer5.conv2d_list.2", false, "fc1_voc12_c2, , ")]
    public void A_convolution_has_its_layers(int depth, string path, bool numbered, string layers)
    {
        LayerPlace place = NetworkLayout.Of(new DeepLabConfiguration(depth)).Layers.Single(l => l.Path == path).Place;
        CaffeNames.CaffeLayers actual = CaffeNames.LayersOf(place, numbered);
        Assert.Equal(layers, $"{actual.Convolution}, {actual.BatchNorm}, {actual.Scale}");
    }

    [Fact]
    public void The_last_layer_may_have_another_name() =>
        Assert.Equal("fc1_coco_c3", CaffeNames.LayersOf(LayerPlace.Aspp(3), numbered: false, "fc1_coco").Convolution);

    [Theory]
    [InlineData("conv1", "conv1_res05")]
    [InlineData("bn2a_branch1", "bn2a_branch1_res05")]
    [InlineData("res4b22_branch2c", "res4b22_branch2c_res05")]
    [InlineData("fc1_voc12_c0", "fc1_voc12_res05_c0")]
    [InlineData("fc1_coco_c3", "fc1_coco_res05_c3")]
    [InlineData("fc1_c0", "fc1_c0_res05")]
    public void A_smaller_scale_has_its_own_layers(string layer, string copy)
    {
        Assert.Equal(copy, CaffeNames.WithScale(layer, "_res05"));
        Assert.Equal(copy.Replace("_res05", "_res075"), CaffeNames.WithScale(layer, "_res075"));
        Assert.True(CaffeNames.HasScale(copy));
        Assert.False(CaffeNames.HasScale(layer));
    }
}
