using DeepLab.Evaluation;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class BoundaryDistancesTests
{
    [Fact]
    public void Squared_distances_are_those_of_looking_at_every_pair_of_pixels()
    {
        var random = new SeededRandom(11);
        var distances = new BoundaryDistances();
        for (int round = 0; round < 400; round++)
        {
            LabelMap labels = Blobs(random, 1 + random.NextInt32(24), 1 + random.NextInt32(24), random.NextInt32(6));
            int reach = 1 + random.NextInt32(round % 2 == 0 ? 40 : 5);
            Assert.Equal(BruteForce(labels, reach), distances.Squared(labels, reach).ToArray());
        }
    }

    [Fact]
    public void A_straight_boundary_is_as_far_as_there_are_steps_to_it()
    {
        var labels = new LabelMap(3, 6, [.. Enumerable.Repeat<byte[]>([0, 0, 0, 0, 7, 7], 3).SelectMany(row => row)]);
        int[] row = [16, 9, 4, 1, 1, 4];
        Assert.Equal([.. row, .. row, .. row], new BoundaryDistances().Squared(labels, 4).ToArray());
        int[] near = [BoundaryDistances.Far, BoundaryDistances.Far, 4, 1, 1, 4];
        Assert.Equal([.. near, .. near, .. near], new BoundaryDistances().Squared(labels, 2).ToArray());
    }

    [Fact]
    public void One_other_pixel_is_the_center_of_circles()
    {
        var labels = new LabelMap(5, 5);
        labels.Labels[12] = LabelMap.IgnoreLabel;
        int[] expected =
        [
            8, 5, 4, 5, 8,
            5, 2, 1, 2, 5,
            4, 1, 1, 1, 4,
            5, 2, 1, 2, 5,
            8, 5, 4, 5, 8,
        ];
        Assert.Equal(expected, new BoundaryDistances().Squared(labels, 1000).ToArray());
    }

    [Fact]
    public void Without_a_boundary_everything_is_far()
    {
        Assert.All(new BoundaryDistances().Squared(new LabelMap(4, 7), 1000).ToArray(), d => Assert.Equal(BoundaryDistances.Far, d));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BoundaryDistances().Squared(new LabelMap(1, 1), 1001));
    }

    [Fact]
    public void A_long_row_is_exact_to_its_end()
    {
        var labels = new LabelMap(1, 60_000);
        labels.Labels[0] = 1;
        int[] squared = new BoundaryDistances().Squared(labels, 1000).ToArray();
        Assert.Equal((1, 1_000_000, BoundaryDistances.Far), (squared[0], squared[1000], squared[1001]));
        Assert.Equal(BoundaryDistances.Far, squared[59_999]);
    }

    /// <summary>Overlapping rectangles, so that there are runs of all lengths.</summary>
    private static LabelMap Blobs(SeededRandom random, int height, int width, int rectangles)
    {
        var labels = new LabelMap(height, width);
        for (int n = 0; n < rectangles; n++)
        {
            byte label = (byte)(random.NextInt32(4) == 0 ? 255 : random.NextInt32(3));
            int top = random.NextInt32(height), left = random.NextInt32(width), bottom = top + 1 + random.NextInt32(height - top), right = left + 1 + random.NextInt32(width - left);
            for (int y = top; y < bottom; y++) labels.Labels.AsSpan((y * width) + left, right - left).Fill(label);
        }

        return labels;
    }

    private static int[] BruteForce(LabelMap labels, int reach)
    {
        int width = labels.Width, pixels = labels.Labels.Length;
        var squared = new int[pixels];
        for (int p = 0; p < pixels; p++)
        {
            int least = BoundaryDistances.Far;
            for (int q = 0; q < pixels; q++)
            {
                int dy = (p / width) - (q / width), dx = (p % width) - (q % width);
                if (labels.Labels[p] != labels.Labels[q]) least = Math.Min(least, (dy * dy) + (dx * dx));
            }

            squared[p] = least <= reach * reach ? least : BoundaryDistances.Far;
        }

        return squared;
    }
}
