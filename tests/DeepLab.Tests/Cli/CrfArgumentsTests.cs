using System.CommandLine;
using DeepLab.Cli;
using DeepLab.Crf;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class CrfArgumentsTests
{
    [Fact]
    public void Nothing_is_refined_unless_it_is_asked_for()
    {
        Assert.Null(Options("refine"));
        Assert.Equal(new DenseCrfOptions(), Options("refine", "--crf"));
        Assert.Equal(new DenseCrfOptions(), Options(use: null));
    }

    [Theory]
    [InlineData("refine", "--crf")]
    [InlineData(null)]
    public void Every_option_reaches_the_field(string? use, params string[] more) => Assert.Equal(
        new DenseCrfOptions { Iterations = 7, SmoothnessWeight = 0, SmoothnessDeviation = 2.5f, AppearanceWeight = 5, AppearanceDeviation = 0.01f, ColorDeviation = 1e6f },
        Options(use, [
            .. more, "--crf-iterations", "7", "--crf-smoothness-weight", "0", "--crf-smoothness-deviation", "2.5", "--crf-appearance-weight", "5",
            "--crf-appearance-deviation", "0.01", "--crf-color-deviation", "1e6"]));

    [Theory]
    [InlineData("--crf-iterations", "5")]
    [InlineData("--crf-smoothness-weight", "3")]
    [InlineData("--crf-smoothness-deviation", "1")]
    [InlineData("--crf-appearance-weight", "4")]
    [InlineData("--crf-appearance-deviation", "67")]
    [InlineData("--crf-color-deviation", "3")]
    public void An_option_of_a_field_that_is_not_asked_for_is_wrong_usage(string option, string value) => Assert.Equal(
        $"{option} requires --crf",
        Assert.Throws<UsageException>(() => Options("refine", option, value)).Message);

    [Theory]
    [InlineData("--crf-iterations", "-1", "0 to 1000")]
    [InlineData("--crf-iterations", "1001", "0 to 1000")]
    [InlineData("--crf-smoothness-weight", "-0.5", "0 to 10000")]
    [InlineData("--crf-smoothness-deviation", "0", "0.01 to 1000000")]
    [InlineData("--crf-appearance-weight", "10001", "0 to 10000")]
    [InlineData("--crf-appearance-deviation", "NaN", "0.01 to 1000000")]
    [InlineData("--crf-color-deviation", "1e7", "0.01 to 1000000")]
    public void Values_out_of_range_are_told_with_the_range(string option, string value, string range)
    {
        (Command command, _) = Create(null);
        Assert.Equal($"{option} is {value}, expected {range}", Assert.Single(command.Parse([option, value]).Errors).Message);
    }

    private static DenseCrfOptions? Options(string? use, params string[] args)
    {
        (Command command, CrfArguments arguments) = Create(use);
        ParseResult parse = command.Parse(args);
        Assert.Empty(parse.Errors);
        return arguments.Options(parse);
    }

    private static (Command Command, CrfArguments Arguments) Create(string? use)
    {
        var command = new CliCommand("test", "") { Examples = [] };
        return (command, new CrfArguments(command, use));
    }
}
