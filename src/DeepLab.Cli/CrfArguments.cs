using System.CommandLine;
using System.Globalization;
using DeepLab.Crf;

namespace DeepLab.Cli;

/// <summary>
/// The options of the dense CRF; their defaults and ranges are those of <see cref="DenseCrfOptions"/>.
/// </summary>
internal sealed class CrfArguments
{
    private readonly Option<bool>? _crf;
    private readonly Option<int> _iterations;
    private readonly Option<double> _smoothnessWeight, _smoothnessStandardDeviation, _appearanceWeight, _appearanceStandardDeviation, _colorStandardDeviation;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="use">
    /// The description of <c>--crf</c>; null for a command that always refines and has no such option.
    /// </param>
    public CrfArguments(CliCommand command, string? use = null)
    {
        if (use is not null) _crf = command.AddOptionWithDefault("--crf", use, false);
        var defaults = new DenseCrfOptions();
        _iterations = command.AddOptionWithDefault(
            "--crf-iterations", Described($"mean-field iterations of the CRF, 0 to {DenseCrfOptions.MostIterations}"), defaults.Iterations);
        command.Require(_iterations, n => n is >= 0 and <= DenseCrfOptions.MostIterations, $"0 to {DenseCrfOptions.MostIterations}");
        _smoothnessWeight = Weight("--crf-smoothness-weight", "weight of the smoothness kernel, which pulls nearby pixels towards the same class", defaults.SmoothnessWeight);
        _smoothnessStandardDeviation = StandardDeviation("--crf-smoothness-deviation", "standard deviation of the smoothness kernel in pixels", defaults.SmoothnessDeviation);
        _appearanceWeight = Weight("--crf-appearance-weight", "weight of the appearance kernel, which pulls nearby pixels of similar colour towards the same class", defaults.AppearanceWeight);
        _appearanceStandardDeviation = StandardDeviation("--crf-appearance-deviation", "standard deviation of the appearance kernel in pixels", defaults.AppearanceDeviation);
        _colorStandardDeviation = StandardDeviation("--crf-color-deviation", "standard deviation of the appearance kernel in colour levels (0 to 255)", defaults.ColorDeviation);

        Option<double> Weight(string name, string description, float value) => Number(
            name, $"{description}; 0 disables it, at most {Text(DenseCrfOptions.LargestWeight)}", "W", value, 0, DenseCrfOptions.LargestWeight);

        Option<double> StandardDeviation(string name, string description, float value) => Number(
            name, $"{description}, {Text(DenseCrfOptions.LeastDeviation)} to {Text(DenseCrfOptions.LargestDeviation)}", "SIGMA", value, DenseCrfOptions.LeastDeviation, DenseCrfOptions.LargestDeviation);

        Option<double> Number(string name, string description, string helpName, float value, float least, float largest)
        {
            Option<double> option = command.AddOptionWithDefault(name, Described(description), (double)value);
            option.HelpName = helpName;
            command.Require(option, n => n >= least && n <= largest, $"{Text(least)} to {Text(largest)}");
            return option;
        }

        string Described(string description) => use is null ? description : "with --crf: " + description;
    }

    /// <summary>The CRF that the command line asks for; null without <c>--crf</c>.</summary>
    /// <exception cref="UsageException">An option of the CRF is given without <c>--crf</c>.</exception>
    public DenseCrfOptions? Options(ParseResult parse)
    {
        if (_crf is not null && !parse.GetValue(_crf))
        {
            Option[] dependent = [_iterations, _smoothnessWeight, _smoothnessStandardDeviation, _appearanceWeight, _appearanceStandardDeviation, _colorStandardDeviation];
            Option? given = dependent.FirstOrDefault(o => parse.GetResult(o) is { Implicit: false });
            return given is null ? null : throw new UsageException($"{given.Name} requires --crf");
        }

        return new DenseCrfOptions
        {
            Iterations = parse.GetValue(_iterations),
            SmoothnessWeight = (float)parse.GetValue(_smoothnessWeight),
            SmoothnessDeviation = (float)parse.GetValue(_smoothnessStandardDeviation),
            AppearanceWeight = (float)parse.GetValue(_appearanceWeight),
            AppearanceDeviation = (float)parse.GetValue(_appearanceStandardDeviation),
            ColorDeviation = (float)parse.GetValue(_colorStandardDeviation),
        };
    }

    private static string Text(float value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
