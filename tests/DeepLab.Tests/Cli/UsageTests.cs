using System.CommandLine;
using DeepLab.Cli;
using DeepLab.Data;
using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class UsageTests
{
    public static TheoryData<string, string> WrongLines { get; } = new()
    {
        { "", "command" },
        { "fly", "'fly'" },
        { "train --speed 3", "--speed" },
        { "train --lr fast", "expected a number" },
        { "train --lr -1", "a non-negative number" },
        { "train --lr NaN", "a non-negative number" },
        { "train --max-iter 0", "at least 1" },
        { "train --max-iter 1.5", "expected a whole number" },
        { "train --momentum 1", "less than 1" },
        { "train --depth 20", "18, 34, 50, 101 or 152" },
        { "train --crop 12", "33 to 16384" },
        { "train --classes 1", "2 to 255" },
        { "train --recipe keras", "keras" },
        { "train --augment-scales 0,1", "is no scale" },
        { "train --scales 0,1", "is no scale" },
        { "train --map-label 255", "--map-label" },
        { "train --device cuda", "cuda" },
        { "train --seed -1", "--seed" },
        { "train --voc a --images b", "--images are mutually exclusive" },
        { "train --split val", "--split requires --voc" },
        { "train --images .", "--labels is missing" },
        { "train", "no dataset was given" },
        { "bench --size 32", "33 to 4096" },
    };

    [Theory]
    [MemberData(nameof(WrongLines))]
    public void Wrong_usage_is_one_line_with_a_pointer_to_the_help_and_status_2(string line, string told)
    {
        CliRun result = CliRun.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(2, result.Status);
        Assert.Empty(result.Out);
        string message = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("deeplab: ", message, StringComparison.Ordinal);
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.EndsWith("--help", message.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_is_one_line_with_status_1_and_verbose_adds_the_stack()
    {
        CliRun result = CliRun.Of("train", "--voc", "no/such/place", "--init", "scratch");
        CliRun verbose = CliRun.Of("train", "--voc", "no/such/place", "--init", "scratch", "--verbose");

        Assert.Equal(1, result.Status);
        Assert.Equal(1, verbose.Status);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.StartsWith("deeplab: no/such/place: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("   at DeepLab.", verbose.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("bench")]
    [InlineData("demo")]
    [InlineData("crf")]
    [InlineData("predict")]
    [InlineData("eval")]
    [InlineData("report")]
    public void Help_shows_defaults_and_an_example(string command)
    {
        CliRun result = CliRun.Of(command, "--help");

        Assert.Equal(0, result.Status);
        Assert.Empty(result.Error);
        Assert.Contains("[default: ", result.Out, StringComparison.Ordinal);
        Assert.Contains($"Examples:\n  deeplab {command}", result.Out.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train", "images per update (or --iterSize) [default: 10]")]
    [InlineData("train", "a list or a range (or --scales) [default: 0.5,0.75,1,1.25,1.5, or 0.5-1.3 with --recipe seed]")]
    [InlineData("eval", "the folder of their label images (or --GTpath, --testGTpath) [default: data/gt/]")]
    public void Help_shows_other_names_before_defaults(string command, string text) =>
        Assert.Contains(text, string.Join(' ', CliRun.Of(command, "--help").Out.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);

    [Theory]
    [InlineData("--max-iter", "--maxIter", "7")]
    [InlineData("--iter-size", "--iterSize", "7")]
    [InlineData("--iter-size", "-i", "7")]
    [InlineData("--weight-decay", "--wtDecay", "0.25")]
    [InlineData("--snapshot-prefix", "--snapPrefix", "x_")]
    [InlineData("--augment-scales", "--scales", "0.5-2")]
    public void Former_names_and_those_of_the_seeds_programs_mean_the_same(string name, string otherName, string value)
    {
        TrainingOptions options = Training(name, value);

        Assert.Equal(options, Training(otherName, value));
        Assert.Equal(options, Training($"{otherName}={value}"));
        Assert.NotEqual(options, Training());
    }

    [Fact]
    public void Defaults_are_the_authors_regime()
    {
        TrainingOptions options = Training();

        Assert.Equal(new TrainingOptions { SnapshotDirectory = "data/snapshots" }, options);
        Assert.Equal(20_000, options.Iterations);
        Assert.Equal(2.5e-4, options.BaseLearningRate);
    }

    [Fact]
    public void Options_override_the_parts_of_a_recipe()
    {
        AugmentationRecipe recipe = Training("--recipe", "seed", "--augment-scales", "0.5,2", "--crop", "65", "--no-flip").Recipe;

        Assert.Equal(AugmentationRecipe.Seed with { Scales = ScaleDistribution.OneOf(0.5, 2), Crop = 65, FlipProbability = 0 }, recipe);
        Assert.Null(Training("--crop", "0").Recipe.Crop);
        Assert.False(Training("--no-shuffle").Shuffle);
    }

    private static TrainingOptions Training(params string[] args)
    {
        var command = new CliCommand("train", "") { Examples = [] };
        var arguments = new TrainingArguments(command);
        ParseResult parse = command.Parse(args);
        Assert.Empty(parse.Errors);
        return arguments.Options(parse);
    }
}
