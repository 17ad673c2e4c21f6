using DeepLab.Evaluation;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class ConfusionMatrixTests
{
    [Fact]
    public void Rows_are_labels_and_columns_predictions_and_255_is_left_out()
    {
        var matrix = new ConfusionMatrix(3);
        matrix.Add([0, 0, 1, 2, 255, 1], [0, 1, 1, 0, 2, 1]);
        long[] expected = [1, 1, 0, 0, 2, 0, 1, 0, 0];
        Assert.Equal(expected, Cells(matrix));
    }

    [Fact]
    public void Merging_gives_the_counts_of_all_images()
    {
        var first = new ConfusionMatrix(2);
        first.Add([0, 1, 1], [0, 1, 0]);
        var second = new ConfusionMatrix(2);
        second.Add([1, 0], [0, 1]);
        first.Merge(second);
        long[] expected = [1, 1, 2, 1];
        Assert.Equal(expected, Cells(first));
        Assert.Throws<ArgumentException>(() => first.Merge(new ConfusionMatrix(3)));
    }

    [Fact]
    public void With_255_classes_the_label_255_is_still_the_ignored_one()
    {
        var matrix = new ConfusionMatrix(255);
        matrix.Add([254, 255], [254, 254]);
        Assert.Equal(1, matrix[254, 254]);
        Assert.Equal(1, Cells(matrix).Sum());
    }

    [Fact]
    public void A_value_outside_the_classes_is_named_and_nothing_is_counted()
    {
        var matrix = new ConfusionMatrix(3);
        var label = Assert.Throws<ArgumentException>(() => matrix.Add([0, 3], [0, 0]));
        Assert.Contains("label 3 at pixel 1", label.Message, StringComparison.Ordinal);
        var prediction = Assert.Throws<ArgumentException>(() => matrix.Add([0, 0], [0, 7]));
        Assert.Contains("prediction 7 at pixel 1", prediction.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => matrix.Add([0, 0], [0]));
        Assert.Equal(0, Cells(matrix).Sum());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(256)]
    public void The_number_of_classes_is_1_to_255(int classes)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfusionMatrix(classes));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PerImageMeanIoU(classes));
    }

    [Fact]
    public void An_index_outside_the_classes_is_refused()
    {
        var matrix = new ConfusionMatrix(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix[0, 3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix[-1, 0]);
    }

    private static long[] Cells(ConfusionMatrix matrix) =>
    [
        .. from label in Enumerable.Range(0, matrix.Classes)
           from prediction in Enumerable.Range(0, matrix.Classes)
           select matrix[label, prediction],
    ];
}
