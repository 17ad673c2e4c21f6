using DeepLab.Data;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class DatasetCheckTests : IDisposable
{
    private readonly TinyDataset _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_sound_dataset_gets_no_advice()
    {
        _files.Add("a").Add("b").List("a", "b");
        Assert.Empty(DatasetAdvisor.Check(Voc(2), imagesNeeded: 2));
    }

    [Fact]
    public void Color_labels_are_an_error_told_once_whose_remedy_is_a_list_of_colors()
    {
        _files.Add("a").Add("b").List("a", "b");
        foreach (string id in (string[])["a", "b"]) TinyDataset.RandomImage(6, 8, 1).Save(_files.LabelPath(id));
        DatasetAdvice advice = Assert.Single(DatasetAdvisor.Check(Voc(2)));
        Assert.Equal(AdviceLevel.Error, advice.Level);
        Assert.Equal(new Remedy(RemedyKind.LabelColors), advice.Remedy);
        Assert.EndsWith("so are 2 of the 2 label images looked at", advice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_of_0_and_255_with_two_classes_are_an_error_whose_remedy_is_the_mapping()
    {
        _files.Add("a", values: [0, 255]).Add("b", values: [0]).List("a", "b");
        DatasetAdvice advice = Assert.Single(DatasetAdvisor.Check(Voc(2)));
        Assert.Equal(AdviceLevel.Error, advice.Level);
        Assert.Equal(new Remedy(RemedyKind.LabelMapping, "255=1"), advice.Remedy);
        Assert.Empty(DatasetAdvisor.Check(Voc(2, LabelMapping.Parse(["255=1"]))));
    }

    [Fact]
    public void One_class_everywhere_is_a_warning_with_its_name()
    {
        _files.Add("a", values: [15, 255]).Add("b", values: [15]).List("a", "b");
        DatasetAdvice advice = Assert.Single(DatasetAdvisor.Check(Voc(21)));
        Assert.Equal(AdviceLevel.Warning, advice.Level);
        Assert.Contains("class 15 (person) covers everything", advice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_that_are_all_ignored_are_an_error()
    {
        _files.Add("a", values: [255]).List("a");
        DatasetAdvice advice = Assert.Single(DatasetAdvisor.Check(Voc(21)));
        Assert.Equal(AdviceLevel.Error, advice.Level);
        Assert.StartsWith("the label image read holds only 255", advice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_of_single_files_are_errors_and_come_before_the_length_of_the_list()
    {
        _files.Add("a", values: [0, 1, 77]).Add("b").List("a", "b");
        IReadOnlyList<DatasetAdvice> advice = DatasetAdvisor.Check(Voc(2), imagesNeeded: 5);
        Assert.Equal([AdviceLevel.Error, AdviceLevel.Information], advice.Select(a => a.Level));
        Assert.Contains("label value 77", advice[0].Message, StringComparison.Ordinal);
        Assert.Equal(new Remedy(RemedyKind.Classes) { Alternative = new Remedy(RemedyKind.LabelMapping, 77) }, advice[0].Remedy);
        Assert.Contains("takes 5 images and the list has 2, so each image is used 2.5 times, in a new order each time", advice[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_sample_of_a_long_list_is_looked_at()
    {
        for (int i = 0; i < 12; i++) _files.Add($"i{i}", values: [0, 1, 9]);
        _files.List([.. Enumerable.Range(0, 12).Select(i => $"i{i}")]);
        IReadOnlyList<DatasetAdvice> advice = DatasetAdvisor.Check(Voc(2), sampleSize: 5, seed: 3);
        Assert.Equal(4, advice.Count);
        Assert.Contains("5 of the 5 label images", advice[3].Message, StringComparison.Ordinal);
        Assert.Equal(advice, DatasetAdvisor.Check(Voc(2), sampleSize: 5, seed: 3));
    }

    [Fact]
    public void The_report_counts_images_sizes_pixels_and_classes()
    {
        _files.Add("a", 4, 6, ".png", 0, 1).Add("b", 2, 10, ".png", 0, 255).Add("c", 4, 6, ".png", 0).List("a", "b", "c");
        DatasetReport report = DatasetReport.Create(Voc(3));
        Assert.Equal((3, 3, 2, 68L), (report.Listed, report.Usable, report.DistinctSizes, report.Pixels));
        Assert.Equal(new SideSummary(2, 4, 4), report.Heights);
        Assert.Equal(new SideSummary(6, 6, 10), report.Widths);
        Assert.Equal(
            [new ClassOccurrence(0, "class 0", 46, 3), new ClassOccurrence(1, "class 1", 12, 1), new ClassOccurrence(2, "class 2", 0, 0)],
            report.Classes);
        Assert.Equal(new ClassOccurrence(255, "ignored", 10, 1), report.Ignored);
        Assert.Equal(10.0 / 68, report.ShareOf(report.Ignored));
        Assert.Equal(new DatasetProblem(DatasetProblemKind.ClassNeverSeen, "no pixel has class 2 (class 2)"), Assert.Single(report.Problems));
    }

    [Fact]
    public void The_report_finds_every_kind_of_fault_and_is_the_same_for_any_number_of_threads()
    {
        _files.Add("good").Add("cut").Add("color").Add("size").Add("value", values: [0, 50]).Add("void", values: [255]);
        _files.List("good", "cut", "color", "size", "value", "void", "gone", "good");
        File.WriteAllBytes(_files.ImagePath("cut", ".png"), File.ReadAllBytes(_files.ImagePath("cut", ".png"))[..60]);
        TinyDataset.RandomImage(6, 8, 1).Save(_files.LabelPath("color"));
        _files.AddLabels("size", 3, 8);
        var done = new List<int>();
        DatasetReport report = DatasetReport.Create(Voc(3), threads: 4, done.Add);
        Assert.Equal(
            [
                DatasetProblemKind.Unreadable, DatasetProblemKind.ColorsInsteadOfIndices, DatasetProblemKind.SizeMismatch, DatasetProblemKind.ValueOutOfRange,
                DatasetProblemKind.AllIgnored, DatasetProblemKind.MissingFile, DatasetProblemKind.MissingFile, DatasetProblemKind.Duplicate, DatasetProblemKind.ClassNeverSeen,
            ],
            report.Problems.Select(p => p.Kind));
        Assert.Equal((8, 3), (report.Listed, report.Usable));
        Assert.Equal(Enumerable.Range(1, 8), done);

        DatasetReport again = DatasetReport.Create(Voc(3), threads: 1);
        Assert.Equal(report.Problems, again.Problems);
        Assert.Equal(report.Classes, again.Classes);
    }

    [Fact]
    public void The_report_tells_an_ignored_foreground()
    {
        _files.Add("a", values: [0, 255]).List("a");
        Assert.Equal(
            [DatasetProblemKind.ForegroundIgnored, DatasetProblemKind.ClassNeverSeen],
            DatasetReport.Create(Voc(2)).Problems.Select(p => p.Kind));
    }

    private SegmentationDataset Voc(int classes, LabelMapping? mapping = null) =>
        SegmentationDataset.FromVoc(_files.Root, "train", options: new DatasetOptions { Classes = classes, Mapping = mapping ?? LabelMapping.None });
}
