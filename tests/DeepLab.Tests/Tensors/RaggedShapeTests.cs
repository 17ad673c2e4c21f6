using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Tensors;

public sealed class RaggedShapeTests
{
    private static readonly RaggedShape s_shape = new([new MapSize(2, 3), new MapSize(1, 1), new MapSize(4, 5)], 7);

    [Fact]
    public void Rows_of_maps_follow_one_another()
    {
        Assert.Equal((27, 189L), (s_shape.Rows, s_shape.Length));
        Assert.Equal([0, 6, 7], Enumerable.Range(0, 3).Select(s_shape.FirstRow));
        Assert.Equal("[2×3 + 1×1 + 4×5, 7]", s_shape.ToString());
        Assert.Equal(81, s_shape.WithChannels(3).Length);
    }

    [Fact]
    public void Shapes_are_equal_by_their_sizes_and_channels()
    {
        var same = new RaggedShape([new MapSize(2, 3), new MapSize(1, 1), new MapSize(4, 5)], 7);
        Assert.Equal(s_shape, same);
        Assert.Equal(s_shape.GetHashCode(), same.GetHashCode());
        Assert.NotEqual(s_shape, s_shape.WithChannels(8));
        Assert.NotEqual(s_shape, new RaggedShape([new MapSize(3, 2), new MapSize(1, 1), new MapSize(4, 5)], 7));
        Assert.NotEqual(s_shape, new RaggedShape([new MapSize(2, 3), new MapSize(1, 1)], 7));
    }

    [Fact]
    public void Shapes_without_values_or_beyond_all_counting_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new RaggedShape([], 1));
        Assert.Throws<ArgumentException>(() => RaggedShape.Map(0, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => RaggedShape.Map(1, 1, 0));
        Assert.Throws<OverflowException>(() => RaggedShape.Map(1 << 16, 1 << 16, 1));
    }

    [Fact]
    public void Tensors_stay_within_their_buffer()
    {
        var buffer = new DoubleBuffer(200);
        Assert.Throws<ArgumentException>(() => new Tensor(s_shape, buffer, 12));
        var tensor = new Tensor(s_shape, buffer, 11);
        Tensor view = tensor.View(1, 2);
        Assert.Equal((11L + 42, 147L), (view.Offset, view.Shape.Length));
        Assert.Same(buffer, view.Buffer);
    }
}
