using Xunit;

namespace DeepLab.Tests;

public sealed class HashUniformTests
{
    [Fact]
    public void Values_equal_those_of_the_script()
    {
        Assert.Equal(0xE61DB31904667E5A, HashUniform.Seed("a", "x"));
        Assert.Equal([0.4262867f, -0.44474924f, -0.7442553f, 0.6459154f], HashUniform.Values("a", "x", 4));
        Assert.Equal([0.13312304f, 0.49156344f, 0.9420054f], HashUniform.Values(1, 3));
    }

    [Fact]
    public void Labels_equal_those_of_the_script_and_come_in_blocks()
    {
        byte[] labels = HashUniform.Labels("a", "label", 17, 25, 6);
        byte[,] blocks = { { 4, 2, 3, 4 }, { 1, 4, 1, 3 }, { 255, 3, 0, 3 } };
        for (int y = 0; y < 17; y++)
        {
            for (int x = 0; x < 25; x++)
                Assert.Equal(blocks[y / 8, x / 8], labels[(y * 25) + x]);
        }
    }

    [Fact]
    public void Samples_are_spread_from_the_first_element_to_the_last()
    {
        Assert.Equal([0L, 1, 2], HashUniform.SampleIndices(3));
        long[] indices = HashUniform.SampleIndices(1000);
        Assert.Equal((256, 0L, 3L, 999L), (indices.Length, indices[0], indices[1], indices[^1]));
    }
}
