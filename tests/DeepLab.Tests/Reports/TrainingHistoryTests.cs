using System.Globalization;
using DeepLab.Reports;
using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class TrainingHistoryTests : IDisposable
{
    private const string Header = "iteration,loss_1,loss_075,loss_05,loss_fused,rate,seconds\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-log-").FullName;
    private readonly string _path;

    public TrainingHistoryTests() => _path = Path.Combine(_folder, "log.csv");

    private string EvaluationsPath => Path.Combine(_folder, "eval.csv");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_training_writes_is_read_back()
    {
        using (var log = new TrainingLog(_folder))
        {
            log.OnIteration(new TrainingProgress(1, 2, new LossValues([1, 2, 3, 4]), 10, 0.5, 1, TimeSpan.FromSeconds(10), default, default));
            log.OnIteration(new TrainingProgress(2, 2, new LossValues([1.5, 2, 3, 3]), 9.75, 0.25, 1, TimeSpan.FromSeconds(12.5), default, default));
        }

        TrainingHistory history = TrainingHistory.Load(_path);

        Assert.Equal((2, 2, 12.5), (history.Lines, history.LastIteration, history.TotalSeconds));
        Assert.Empty(history.CutOff);
        Assert.Empty(history.Evaluations);
        Assert.Equal(2, history.Buckets.Count);
        Assert.Equal([1.5, 2, 3, 3, 0.25, 2.5], history.Buckets[1].Values.Select(v => v.Mean));
        Assert.Equal(10, history.Buckets[0].Values[TrainingHistory.Seconds].Mean);
    }

    [Fact]
    public void A_line_that_a_crash_cut_off_is_left_out()
    {
        TrainingHistory history = Load("1,1,1,1,1,1,1\n2,1,1,1,1,1,1.2");
        Assert.Equal(1, history.Lines);
        Assert.Equal([_path], history.CutOff);
        Assert.Equal(0, Load("").Lines);
        Assert.Empty(Load("").CutOff);
    }

    [Fact]
    public void Evaluations_on_the_way_are_read_and_their_time_is_no_iterations()
    {
        // Two seconds per iteration. An evaluation of 10 s follows the second; two that the log shows as one pause of
        // 7 s follow the third; one of 4 s follows the last.
        TrainingHistory history = Load(
            "1,1,1,1,1,1,2\n2,1,1,1,1,1,4\n3,1,1,1,1,1,16\n6,1,1,1,1,1,29\n",
            "2,0.25,0.5,10.000\n3,0.5,0.625,5\n4,NaN,NaN,2\n6,0.75,0.875,4\n7,0.1,0.");

        Assert.Equal([2, 2, 2, 2], history.Buckets.Select(b => b.Values[TrainingHistory.Seconds].Mean));
        Assert.Equal((12.0, 21.0, 33.0), (history.TrainingSeconds, history.EvaluationSeconds, history.TotalSeconds));
        Assert.Equal([2, 3, 4, 6], history.Evaluations.Select(e => e.Last));
        Assert.Equal([0.25, 0.5, double.NaN, 0.75], history.Evaluations.Select(e => e.Values[TrainingHistory.MeanIoU].Mean));
        Assert.Equal([0.5, 0.625, double.NaN, 0.875], history.Evaluations.Select(e => e.Values[TrainingHistory.PixelAccuracy].Mean));
        Assert.Equal([EvaluationsPath], history.CutOff);
        Assert.Equal(EvaluationsPath, history.EvaluationsPath);
    }

    [Fact]
    public void A_clock_that_began_again_or_is_rounded_has_no_negative_seconds()
    {
        TrainingHistory history = Load("1,1,1,1,1,1,2\n2,1,1,1,1,1,3\n3,1,1,1,1,1,9\n", "1,0.5,0.5,1.001\n2,0.5,0.5,100\n");
        Assert.Equal([2, 0, 0], history.Buckets.Select(b => b.Values[TrainingHistory.Seconds].Mean));
        history = Load("1,1,1,1,1,1,8\n2,1,1,1,1,1,3\n", "1,0.5,0.5,5\n");
        Assert.Equal((11.0, 16.0), (history.TrainingSeconds, history.TotalSeconds));
    }

    [Theory]
    [InlineData("2,0.5,1.5,1\n", "line 2: mean_iou and pixel_accuracy are shares, expected numbers from 0 to 1")]
    [InlineData("2,-0.5,0.5,1\n", "line 2: mean_iou and pixel_accuracy are shares, expected numbers from 0 to 1")]
    [InlineData("2,0.5,0.5,-1\n", "line 2: seconds are negative or no number")]
    [InlineData("2,0.5,0.5,NaN\n", "line 2: seconds are negative or no number")]
    [InlineData("2,0.5,0.5,1\n2,0.5,0.5,1\n", "line 3: iteration '2' after 2, expected a larger whole number")]
    [InlineData("NaN,0.5,0.5,1\n", "line 2: iteration is 'NaN', expected a number")]
    [InlineData("2,Infinity,0.5,1\n", "line 2: mean_iou is 'Infinity', expected a number")]
    [InlineData("2,0.5\n", "line 2: pixel_accuracy is '', expected a number")]
    public void Wrong_evaluations_are_told_with_their_lines(string lines, string message)
    {
        var e = Assert.Throws<InvalidFileException>(() => Load("1,1,1,1,1,1,1\n", lines));
        Assert.Equal($"{EvaluationsPath}: {message}", e.Message);
    }

    [Fact]
    public void Evaluations_of_any_number_become_at_most_1000_buckets()
    {
        const int Lines = 5000;
        TrainingHistory history = Load(
            string.Concat(Enumerable.Range(1, Lines).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i},1,1,1,1,1,{i * 3}\n"))),
            string.Concat(Enumerable.Range(1, Lines).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i},{(i == 4321 ? 0.9 : 0.5)},1,2\n"))));
        Assert.InRange(history.Evaluations.Count, TrainingHistory.MostBuckets / 2, TrainingHistory.MostBuckets);
        Assert.Equal(Lines, history.Evaluations.Sum(e => e.Count));
        Assert.Equal(0.9, history.Evaluations.Max(e => e.Values[TrainingHistory.MeanIoU].Largest));
        Assert.Equal((3 + (Lines - 1.0), 2.0 * Lines), (history.TrainingSeconds, history.EvaluationSeconds));
    }

    [Fact]
    public void Columns_are_found_by_name_and_a_clock_that_began_again_is_added_up()
    {
        File.WriteAllText(_path, "seconds,extra,iteration,loss_1,loss_075,loss_05,loss_fused,rate\r\n5,x,101,1,1,1,1,1\r\n7,x,102,1,1,1,1,1\r\n\r\n3,x,104,1,1,1,1,1\r\n");
        TrainingHistory history = TrainingHistory.Load(_path);
        Assert.Equal((3, 104, 10.0), (history.Lines, history.LastIteration, history.TotalSeconds));
        Assert.Equal([5, 2, 1.5], history.Buckets.Select(b => b.Values[TrainingHistory.Seconds].Mean));
    }

    [Theory]
    [InlineData("1,1,1,1,1,1,1\n2,1,1,oops,1,1,2\n", "line 3: loss_05 is 'oops', expected a number")]
    [InlineData("1,1,1\n", "line 2: loss_05 is '', expected a number")]
    [InlineData("1,NaN,1,1,1,1,1\n", "line 2: loss_1 is 'NaN', expected a number")]
    [InlineData("1,1e300,1,1,1,1,1\n", "line 2: loss_1 is '1e300', expected a number")]
    [InlineData("7,1,1,1,1,1,1\n6,1,1,1,1,1,2\n", "line 3: iteration '6' after 7, expected a larger whole number")]
    [InlineData("1.5,1,1,1,1,1,1\n", "line 2: iteration '1.5' after 0, expected a larger whole number")]
    [InlineData("1,1,1,1,1,1,-1\n", "line 2: seconds are negative")]
    public void Wrong_lines_are_told_with_their_numbers(string lines, string message)
    {
        var e = Assert.Throws<InvalidFileException>(() => Load(lines));
        Assert.Equal($"{_path}: {message}", e.Message);
    }

    [Fact]
    public void What_is_no_log_is_told()
    {
        File.WriteAllText(_path, "");
        Assert.Contains("has no first line", Assert.Throws<InvalidFileException>(() => TrainingHistory.Load(_path)).Message, StringComparison.Ordinal);
        File.WriteAllText(_path, "a,b\e[2J\n");
        Assert.Contains("line 1 names no column 'iteration' but 'a,b [2J'", Assert.Throws<InvalidFileException>(() => TrainingHistory.Load(_path)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(_path, new byte[5000]);
        Assert.Contains("line 1 is longer than 1000 characters", Assert.Throws<InvalidFileException>(() => TrainingHistory.Load(_path)).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<InvalidFileException>(() => TrainingHistory.Load(_path + ".gone")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_of_any_length_becomes_at_most_1000_buckets_with_its_means_and_extremes()
    {
        const int Lines = 300_000;
        using (var writer = new StreamWriter(_path))
        {
            writer.Write(Header);
            for (int i = 1; i <= Lines; i++) writer.Write(string.Create(CultureInfo.InvariantCulture, $"{i},{(i == 123_456 ? 50 : i % 2)},1,1,1,1,{i}\n"));
        }

        TrainingHistory history = TrainingHistory.Load(_path);

        Assert.InRange(history.Buckets.Count, TrainingHistory.MostBuckets / 2, TrainingHistory.MostBuckets);
        Assert.Equal(Lines, history.Buckets.Sum(b => b.Count));
        Assert.Equal((1, Lines), (history.Buckets[0].First, history.Buckets[^1].Last));
        Assert.All(history.Buckets.Zip(history.Buckets.Skip(1)), pair => Assert.Equal(pair.First.Last + 1, pair.Second.First));
        LogBucket spike = Assert.Single(history.Buckets, b => b.Values[0].Largest == 50);
        Assert.InRange(123_456, spike.First, spike.Last);
        Assert.Equal(0.5, history.Buckets[0].Values[0].Mean);
        Assert.All(history.Buckets, b => Assert.Equal(new LogValue(1, 1, 1), b.Values[TrainingHistory.Seconds]));
    }

    private TrainingHistory Load(string lines, string? evaluations = null)
    {
        File.WriteAllText(_path, Header + lines);
        if (evaluations is not null) File.WriteAllText(EvaluationsPath, "iteration,mean_iou,pixel_accuracy,seconds\n" + evaluations);
        return TrainingHistory.Load(_path, evaluations is null ? null : EvaluationsPath);
    }
}
