using DeepLab.Data;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class SegmentationDatasetTests : IDisposable
{
    private readonly TinyDataset _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_list_of_ids_finds_each_image_by_whichever_extension_it_has()
    {
        _files.Add("a", extension: ".jpg").Add("b", extension: ".png").Add("c", extension: ".jpeg");
        File.WriteAllText(_files.ListPath(), "\uFEFFa\r\n\r\n  b  \r\n\nc");
        var dataset = SegmentationDataset.FromVoc(_files.Root, "train");
        Assert.Equal(["a", "b", "c"], dataset.Samples.Select(s => s.Name));
        Assert.Equal([".jpg", ".png", ".jpeg"], dataset.Samples.Select(s => Path.GetExtension(s.ImagePath)));
        dataset.VerifyFiles();
        (RgbImage image, LabelMap labels) = dataset.Read(1);
        Assert.Equal((6, 8), (image.Height, image.Width));
        Assert.Equal([0, 1, 0, 1], labels.Labels[..4]);
    }

    [Fact]
    public void A_list_of_pairs_as_Caffe_has_it_is_relative_to_the_root()
    {
        _files.Add("x", extension: ".jpg");
        Directory.Move(_files.Labels, Path.Combine(_files.Root, "SegmentationClassAug"));
        _files.List("/JPEGImages/x.jpg /SegmentationClassAug/x.png");
        var dataset = SegmentationDataset.FromVoc(_files.Root, "train");
        dataset.VerifyFiles();
        Assert.Equal(new SampleFile("x", _files.ImagePath("x"), Path.Combine(_files.Root, "SegmentationClassAug", "x.png")), Assert.Single(dataset.Samples));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("x.png")]
    [InlineData("x.png x.png")]
    [InlineData("/x.png /x.png")]
    [InlineData("/JPEGImages/x.png\t/SegmentationClass/x.png")]
    public void Two_folders_and_a_list_take_ids_and_pairs(string line)
    {
        _files.Add("x").List(line);
        var dataset = SegmentationDataset.FromList(_files.Images + "/", _files.Labels, _files.ListPath());
        dataset.VerifyFiles();
        Assert.Equal("x", Assert.Single(dataset.Samples).Name);
        Assert.Equal(6, dataset.Read(0).Image.Height);
    }

    [Fact]
    public void Ids_may_name_subfolders_and_hold_blanks()
    {
        Directory.CreateDirectory(Path.Combine(_files.Images, "city"));
        Directory.CreateDirectory(Path.Combine(_files.Labels, "city"));
        _files.Add("city/a").Add("my photo").List("city/a", "my photo");
        var dataset = SegmentationDataset.FromVoc(_files.Root, "train");
        dataset.VerifyFiles();
        Assert.Equal(["city/a", "my photo"], dataset.Samples.Select(s => s.Name));
    }

    [Theory]
    [InlineData("\r\n \n", "lists no image")]
    [InlineData("2007_000032 -1", "line 1 is '2007_000032 -1'")]
    [InlineData("ok\n\u0001\u0002", "line 2 holds the control character 1")]
    public void A_list_that_is_none_is_an_error_that_names_the_line(string text, string expected)
    {
        File.WriteAllText(_files.ListPath(), text);
        var e = Assert.Throws<InvalidFileException>(() => SegmentationDataset.FromVoc(_files.Root, "train"));
        Assert.StartsWith(_files.ListPath(), e.Message, StringComparison.Ordinal);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_split_that_is_not_there_is_an_error_that_names_those_that_are()
    {
        _files.List("a");
        string message = Assert.Throws<DeepLabException>(() => SegmentationDataset.FromVoc(_files.Root, "trian")).Message;
        Assert.Contains("trian.txt", message, StringComparison.Ordinal);
        Assert.EndsWith("the lists there are train", message, StringComparison.Ordinal);
        Assert.Throws<DeepLabException>(() => SegmentationDataset.FromVoc(_files.Root + "-none", "train"));
        Assert.Throws<DeepLabException>(() => SegmentationDataset.FromList(_files.Images, _files.Root + "-none", _files.ListPath()));
    }

    [Fact]
    public void All_missing_files_are_reported_at_once_ten_by_name()
    {
        _files.Add("here").List(["here", .. Enumerable.Range(0, 7).Select(i => $"gone{i}")]);
        File.Delete(_files.LabelPath("here"));
        string message = Assert.Throws<DeepLabException>(SegmentationDataset.FromVoc(_files.Root, "train").VerifyFiles).Message;
        Assert.Contains("15 of the listed files are missing: ", message, StringComparison.Ordinal);
        Assert.Contains(_files.LabelPath("here"), message, StringComparison.Ordinal);
        Assert.Contains(_files.ImagePath("gone4"), message, StringComparison.Ordinal);
        Assert.DoesNotContain("gone5", message, StringComparison.Ordinal);
        Assert.EndsWith(" and 5 more", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_of_another_size_than_their_image_are_an_error_with_both_sizes()
    {
        _files.Add("a", 6, 8).List("a");
        _files.AddLabels("a", 5, 8);
        var e = Assert.Throws<InvalidFileException>(() => SegmentationDataset.FromVoc(_files.Root, "train").Read(0));
        Assert.Equal(_files.LabelPath("a"), e.Path);
        Assert.Contains("is 8×5", e.Message, StringComparison.Ordinal);
        Assert.Contains("is 8×6", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_outside_the_classes_is_an_error_with_value_pixel_and_remedy()
    {
        _files.Add("a", 2, 3, ".png", 0, 255, 1, 1, 3, 0).List("a");
        var e = Assert.Throws<InvalidFileException>(() => Voc(3).Read(0));
        Assert.Equal(
            $"{_files.LabelPath("a")}: label value 3 at pixel x 1, y 1, expected 0 to 2 or 255 (ignored)",
            e.Message);
        Assert.Equal([0, 255, 1, 1, 3, 0], Voc(4).Read(0).Labels.Labels);
    }

    [Fact]
    public void Mapped_labels_are_replaced_all_at_once_before_they_are_checked()
    {
        _files.Add("a", 2, 3, ".png", 0, 255, 1, 200, 2, 0).List("a");
        var dataset = Voc(3, LabelMapping.Parse(["255=1,1=2", "2=1", " 200 = 255"]));
        Assert.Equal([0, 1, 2, 255, 1, 0], dataset.ReadLabels(0).Labels);
        Assert.Contains("no class 3", Assert.Throws<DeepLabException>(() => Voc(3, LabelMapping.Parse(["7=3"]))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("255")]
    [InlineData("256=1")]
    [InlineData("1=-1")]
    [InlineData("1=2=3")]
    [InlineData("1=2,1=3")]
    [InlineData("")]
    public void A_mapping_that_is_none_is_an_error(string text) =>
        Assert.Matches("is no pair OLD=NEW|is mapped twice", Assert.Throws<DeepLabException>(() => LabelMapping.Parse([text])).Message);

    [Fact]
    public void Colors_become_labels_and_give_the_classes_their_names()
    {
        _files.Add("a", 2, 2).List("a");
        new RgbImage(2, 2, [0, 0, 0, 9, 8, 7, 0, 0, 0, 224, 224, 192]).Save(_files.LabelPath("a"));
        string colors = Path.Combine(_files.Root, "colors.txt");
        File.WriteAllText(colors, "0 floor 0 0 0\n1 wall 9 8 7\n255 void 224 224 192\n");
        Assert.Equal(new Remedy(RemedyKind.LabelColors), Assert.Throws<InvalidFileException>(() => Voc(2).Read(0)).Remedy);
        var dataset = SegmentationDataset.FromVoc(_files.Root, "train", options: new DatasetOptions { Classes = 2, Colors = LabelColors.Load(colors) });
        Assert.Equal([0, 1, 0, 255], dataset.Read(0).Labels.Labels);
        Assert.Equal(["floor", "wall"], dataset.ClassNames);
    }

    [Fact]
    public void Class_names_come_from_the_root_and_missing_ones_are_numbers()
    {
        _files.List("a");
        Assert.Equal("tvmonitor", SegmentationDataset.FromVoc(_files.Root, "train").ClassNames[20]);
        File.WriteAllText(Path.Combine(_files.Root, "labels.txt"), "0 sky\r\n2 traffic light\r\n\r\n255 void\r\n");
        Assert.Equal(["sky", "class 1", "traffic light"], Voc(3).ClassNames);
        File.WriteAllText(Path.Combine(_files.Root, "labels.txt"), "0 sky\nroad 1\n");
        Assert.Contains("line 2 is 'road 1'", Assert.Throws<InvalidFileException>(() => Voc(3)).Message, StringComparison.Ordinal);
    }

    private SegmentationDataset Voc(int classes, LabelMapping? mapping = null) =>
        SegmentationDataset.FromVoc(_files.Root, "train", options: new DatasetOptions { Classes = classes, Mapping = mapping ?? LabelMapping.None });
}
