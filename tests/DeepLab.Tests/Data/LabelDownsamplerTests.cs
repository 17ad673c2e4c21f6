using DeepLab.Data;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class LabelDownsamplerTests
{
    [Fact]
    public void Nearest_takes_the_samples_of_the_reference()
    {
        // Python, by deeplab_torch.py's shrink_label: [(i * (n - 1) * 2 + m - 1) // (2 * (m - 1)) for i in range(m)]
        Assert.Equal([0, 1, 3, 4, 5, 6, 8, 9, 10], Row([.. Enumerable.Range(0, 11).Select(i => (byte)i)], 9));
        Assert.Equal([0, 2, 3], Row([0, 1, 2, 3], 3));
        Assert.Equal([0, 1, 1, 2, 2], Row([0, 1, 2], 5));
        Assert.Equal([7], Row([7, 8, 9], 1));
        Assert.Equal([7, 7, 7], Row([7], 3));
    }

    [Fact]
    public void A_map_of_321_shrinks_to_every_eighth_label_by_both_modes()
    {
        var labels = new byte[321 * 321];
        var random = new SeededRandom(4);
        for (int i = 0; i < labels.Length; i++) labels[i] = (byte)random.NextInt32(21);
        foreach (LabelDownsampling mode in Enum.GetValues<LabelDownsampling>())
        {
            var target = new byte[41 * 41];
            LabelDownsampler.Downsample(labels, 321, 321, target, 41, 41, mode);
            for (int y = 0; y < 41; y++)
            {
                for (int x = 0; x < 41; x++) Assert.Equal(labels[(y * 8 * 321) + (x * 8)], target[(y * 41) + x]);
            }
        }
    }

    [Fact]
    public void Interpolated_labels_are_truncated_and_never_lose_a_whole_number_to_rounding()
    {
        var random = new SeededRandom(5);
        for (int round = 0; round < 100; round++)
        {
            (int h, int w, int nh, int nw) = (1 + random.NextInt32(30), 1 + random.NextInt32(30), 1 + random.NextInt32(12), 1 + random.NextInt32(12));
            var labels = new byte[h * w];
            var constant = new byte[h * w];
            for (int i = 0; i < labels.Length; i++) (labels[i], constant[i]) = ((byte)random.NextInt32(255), 15);
            var target = new byte[nh * nw];
            LabelDownsampler.Downsample(constant, h, w, target, nh, nw, LabelDownsampling.BilinearTruncated);
            Assert.All(target, t => Assert.Equal(15, t));
            LabelDownsampler.Downsample(labels, h, w, target, nh, nw, LabelDownsampling.BilinearTruncated);
            for (int y = 0; y < nh; y++)
            {
                for (int x = 0; x < nw; x++)
                {
                    double exact = AlignedCorners.Interpolate((row, column) => labels[(row * w) + column], (h, w), (nh, nw), y, x);
                    Assert.InRange(exact - target[(y * nw) + x], -1e-9, 1 + 1e-9);
                }
            }
        }
    }

    [Fact]
    public void An_ignored_label_is_never_mixed_into_a_class()
    {
        var target = new byte[3];
        LabelDownsampler.Downsample([0, 255, 4, 6], 1, 4, target, 1, 3, LabelDownsampling.BilinearTruncated);
        Assert.Equal([0, 255, 6], target);
    }

    [Fact]
    public void Spans_shorter_than_their_shapes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => LabelDownsampler.Downsample(new byte[5], 2, 3, new byte[4], 2, 2, LabelDownsampling.Nearest));
        Assert.Throws<ArgumentException>(() => LabelDownsampler.Downsample(new byte[6], 2, 3, new byte[3], 2, 2, LabelDownsampling.Nearest));
        Assert.Throws<ArgumentOutOfRangeException>(() => LabelDownsampler.Downsample(new byte[6], 2, 3, new byte[3], 0, 2, LabelDownsampling.Nearest));
    }

    private static byte[] Row(byte[] labels, int size)
    {
        var row = new byte[size];
        var column = new byte[size];
        LabelDownsampler.Downsample(labels, 1, labels.Length, row, 1, size, LabelDownsampling.Nearest);
        LabelDownsampler.Downsample(labels, labels.Length, 1, column, size, 1, LabelDownsampling.Nearest);
        Assert.Equal(row, column);
        return row;
    }
}
