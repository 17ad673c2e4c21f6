using DeepLab.Inference;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class ScoreUpsamplingTests
{
    [Theory]
    [InlineData(5, 7, 3, 33, 50, 33, 50)]
    [InlineData(5, 7, 21, 33, 50, 20, 41)]
    [InlineData(1, 1, 5, 9, 4, 9, 4)]
    [InlineData(1, 6, 2, 1, 41, 1, 40)]
    [InlineData(9, 9, 255, 65, 65, 30, 65)]
    [InlineData(4, 3, 16, 4, 3, 4, 3)]
    [InlineData(6, 5, 1, 12, 11, 12, 11)]
    [InlineData(8, 8, 17, 3, 2, 3, 2)]
    [InlineData(3, 3, 8, 1, 1, 1, 1)]
    public void Labels_are_those_of_resizing_in_double_and_then_taking_the_largest(
        int height, int width, int classes, int targetHeight, int targetWidth, int rows, int columns)
    {
        float[] scores = HashUniform.Values(HashUniform.Seed("upsampling", $"{height} {width} {classes}"), height * width * classes);
        var labels = new byte[rows * columns];
        ScoreUpsampling.ArgMax(scores, new MapSize(height, width), classes, new MapSize(targetHeight, targetWidth), rows, columns, labels);
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                double[] expected = Resized(scores, height, width, classes, targetHeight, targetWidth, y, x);

                // Single precision may choose the other of two scores that differ only by rounding.
                Assert.InRange(expected.Max() - expected[labels[(y * columns) + x]], 0, 1e-6);
            }
        }
    }

    [Theory]
    [InlineData(5, 7, 3, 33, 50, 33, 50)]
    [InlineData(5, 7, 21, 33, 50, 20, 41)]
    [InlineData(1, 6, 2, 1, 41, 1, 40)]
    [InlineData(9, 9, 300, 65, 65, 3, 65)]
    [InlineData(4, 3, 16, 4, 3, 4, 3)]
    [InlineData(6, 5, 1, 12, 11, 12, 11)]
    public void Probabilities_are_those_of_resizing_and_softmax_in_double(
        int height, int width, int classes, int targetHeight, int targetWidth, int rows, int columns)
    {
        float[] scores = [.. HashUniform.Values(HashUniform.Seed("softmax", $"{height} {width} {classes}"), height * width * classes).Select(u => 30 * u)];
        var probabilities = new float[rows * columns * classes];
        ScoreUpsampling.Softmax(scores, new MapSize(height, width), classes, new MapSize(targetHeight, targetWidth), rows, columns, probabilities);
        for (int pixel = 0; pixel < rows * columns; pixel++)
        {
            double[] resized = Resized(scores, height, width, classes, targetHeight, targetWidth, pixel / columns, pixel % columns);
            double sum = resized.Sum(Math.Exp);
            for (int c = 0; c < classes; c++) Assert.InRange(probabilities[(pixel * classes) + c] - (Math.Exp(resized[c]) / sum), -1e-5, 1e-5);
        }
    }

    [Fact]
    public void The_first_of_equal_scores_wins_wherever_it_stands()
    {
        const int Classes = 40;
        for (int first = 0; first < Classes; first++)
        {
            for (int second = first; second < Classes; second += 3)
            {
                var scores = new float[Classes];
                scores[first] = scores[second] = 2;
                Assert.Equal(first, LabelOf(scores));
            }
        }

        Assert.Equal(0, LabelOf([.. Enumerable.Repeat(-5f, Classes)]));
        Assert.Equal(39, LabelOf([.. Enumerable.Range(0, Classes).Select(c => (float)c)]));
    }

    [Fact]
    public void Scores_that_are_no_numbers_never_win_and_never_name_a_class_that_is_not_there()
    {
        Assert.Equal(2, LabelOf([1, float.NaN, 3]));
        Assert.Equal(0, LabelOf([float.NaN, 1, 2]));
        Assert.Equal(0, LabelOf([float.NaN, float.NaN, float.NaN]));
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        var size = new MapSize(2, 2);
        Assert.Throws<ArgumentException>(() => ScoreUpsampling.ArgMax(new float[11], size, 3, size, 2, 2, new byte[4]));
        Assert.Throws<ArgumentException>(() => ScoreUpsampling.ArgMax(new float[12], size, 3, size, 3, 2, new byte[6]));
        Assert.Throws<ArgumentException>(() => ScoreUpsampling.ArgMax(new float[12], size, 3, size, 2, 2, new byte[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ScoreUpsampling.ArgMax([], size, 0, size, 2, 2, new byte[4]));
        Assert.Throws<ArgumentException>(() => ScoreUpsampling.Softmax(new float[12], size, 3, size, 2, 2, new float[11]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ScoreUpsampling.Softmax([], size, 0, size, 2, 2, []));
    }

    private static int LabelOf(float[] scores)
    {
        var labels = new byte[1];
        ScoreUpsampling.ArgMax(scores, new MapSize(1, 1), scores.Length, new MapSize(1, 1), 1, 1, labels);
        return labels[0];
    }

    private static double[] Resized(float[] scores, int height, int width, int classes, int targetHeight, int targetWidth, int y, int x) =>
        [.. Enumerable.Range(0, classes).Select(c => AlignedCorners.Interpolate(
            (row, column) => scores[(((row * width) + column) * classes) + c], (height, width), (targetHeight, targetWidth), y, x))];
}
