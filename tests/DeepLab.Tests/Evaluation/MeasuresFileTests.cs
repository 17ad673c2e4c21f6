using DeepLab.Evaluation;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class MeasuresFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), "deeplab-measures-" + Path.GetRandomFileName());

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void What_eval_writes_is_read_back()
    {
        EvaluationReport report = EvaluationReport.Create("s/a_10.pth", new SegmentationMetrics([0.5, double.NaN], 0.5, 0.25, 0.75, 1), 0.125, ["background", "\"é\""]);
        File.WriteAllText(_path, EvaluationReport.ToJson([report with { Crf = report, Trimap = [new TrimapScore(1, 5, 0.5, 0.5)] }]));

        EvaluationReport read = Assert.Single(MeasuresFile.Load(_path));

        Assert.Equal(("s/a_10.pth", 0.5, 0.125, 0.25, 0.75, 1.0), (read.Weights, read.MeanIoU, read.PerImageMeanIoU, read.PixelAccuracy, read.MeanAccuracy, read.FrequencyWeightedIoU));
        Assert.Equal([new ClassIoU("background", 0.5), new ClassIoU("\"é\"", double.NaN)], read.Classes);
    }

    [Theory]
    [InlineData("", "it is no valid JSON")]
    [InlineData("[", "it is no valid JSON")]
    [InlineData("{}", "it is no array")]
    [InlineData("[1]", "entry 1 has no weights that is a text")]
    [InlineData("[{\"weights\":\"a\"}]", "entry 1 has no meanIoU from 0 to 1")]
    [InlineData("[{\"weights\":\"a\",\"meanIoU\":1.5}]", "entry 1 has no meanIoU from 0 to 1")]
    [InlineData("[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "it is no valid JSON")]
    public void Other_files_are_told_in_one_line(string text, string problem)
    {
        File.WriteAllText(_path, text);
        var e = Assert.Throws<InvalidFileException>(() => MeasuresFile.Load(_path));
        Assert.StartsWith($"{_path}: {problem}", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told() =>
        Assert.Contains("cannot be read", Assert.Throws<InvalidFileException>(() => MeasuresFile.Load(_path)).Message, StringComparison.Ordinal);
}
