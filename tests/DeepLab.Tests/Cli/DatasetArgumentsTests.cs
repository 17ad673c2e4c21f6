using System.CommandLine;
using DeepLab.Cli;
using DeepLab.Data;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class DatasetArgumentsTests(ShapesFixture shapes) : IClassFixture<ShapesFixture>
{
    private string Images => shapes.PathOf("JPEGImages");

    private string Labels => shapes.PathOf("SegmentationClass");

    private string List => Path.Combine(shapes.Root, "ImageSets", "Segmentation", "train.txt");

    [Theory]
    [InlineData(false, "--IMpath", "--GTpath")]
    [InlineData(true, "--IMpath", "--GTpath")]
    [InlineData(true, "--testIMpath", "--testGTpath")]
    public void Names_of_the_seeds_programs_open_the_same_dataset(bool forEvaluation, string images, string labels)
    {
        SegmentationDataset dataset = Open(forEvaluation, "--images", Images, "--labels", Labels, "--list", List, "--classes", "7");
        SegmentationDataset seeds = Open(forEvaluation, images, Images, labels, Labels, "--LISTpath", List, "--NoLabels", "7");

        Assert.Equal(3, dataset.Samples.Count);
        Assert.Equal(dataset.Samples, seeds.Samples);
        Assert.Equal(7, seeds.Classes);
    }

    [Theory]
    [InlineData(false, "train.txt", 3)]
    [InlineData(true, "val.txt", 1)]
    public void The_split_is_train_for_training_and_val_for_evaluation(bool forEvaluation, string list, int samples)
    {
        SegmentationDataset dataset = Open(forEvaluation, "--voc", shapes.Root);

        Assert.Equal(list, Path.GetFileName(dataset.Source));
        Assert.Equal(samples, dataset.Samples.Count);
        Assert.Equal(DatasetArguments.DefaultClasses, dataset.Classes);
        Assert.Equal(SyntheticShapes.ClassNames[1], dataset.ClassNames[1]);
    }

    [Fact]
    public void Label_values_are_mapped_by_each_of_several_options()
    {
        SegmentationDataset dataset = Open(false, "--voc", shapes.Root, "--map-label", "3=1", "--map-label", "4=2");

        Assert.Equal([new(3, 1), new(4, 2)], dataset.Options.Mapping.Pairs);
    }

    [Fact]
    public void A_file_of_names_goes_before_the_datasets_own()
    {
        string names = shapes.PathOf("names.txt");
        File.WriteAllText(names, "1 wheel\n");

        Assert.Equal("wheel", Open(false, "--voc", shapes.Root, "--classes-file", names).ClassNames[1]);
    }

    private static SegmentationDataset Open(bool forEvaluation, params string[] args)
    {
        var command = new CliCommand("any", "") { Examples = [] };
        var arguments = new DatasetArguments(command, forEvaluation);
        ParseResult parse = command.Parse(args);
        Assert.Empty(parse.Errors);
        return arguments.Open(parse);
    }
}
