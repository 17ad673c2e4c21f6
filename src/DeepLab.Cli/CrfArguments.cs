using System.CommandLine;
using System.Globalization;
using DeepLab.Crf;

namespace DeepLab.Cli;

/// <summary>The options of the dense CRF; their defaults and ranges are those of <see cref="DenseCrfOptions"/>.</summary>
internal sealed class CrfArguments
{
    private readonly Option<bool>? _crf;
    private readonly Option<int> _iterations;
    private readonly Option<double> _smoothnessWeight, _smoothnessDeviation, _appearanceWeight, _appearanceDeviation, _colorDeviation;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="use">What help says that <c>--crf</c> does; null for a command that always refines, which has no such option.</param>
    public CrfArguments(CliCommand command, string? use = null)
    {
        if (use is not null) _crf = command.AddOptionWithDefault("--crf", use, false);
        var defaults = new DenseCrfOptions();
        _iterations = command.AddOptionWithDefault(
            "--crf-iterations", Described($"mean-field steps of the CRF, 0 to {DenseCrfOptions.MostIterations}"), defaults.Iterations);
        command.Require(_iterations, n => n is >= 0 and <= DenseCrfOptions.MostIterations, $"0 to {DenseCrfOptions.MostIterations}");
        _smoothnessWeight = Weight("--crf-smoothness-weight", "weight of the smoothness kernel, which pulls near pixels to one class", defaults.SmoothnessWeight);
        _smoothnessDeviation = Deviation("--crf-smoothness-deviation", "standard deviation of the smoothness kernel in pixels", defaults.SmoothnessDeviation);
        _appearanceWeight = Weight("--crf-appearance-weight", "weight of the appearance kernel, which pulls pixels of like colour to one class", defaults.AppearanceWeight);
        _appearanceDeviation = Deviation("--crf-appearance-deviation", "standard deviation of the appearance kernel in pixels", defaults.AppearanceDeviation);
        _colorDeviation = Deviation("--crf-color-deviation", "standard deviation of the appearance kernel in levels of colour, of which there are 256", defaults.ColorDeviation);

        Option<double> Weight(string name, string description, float value) => Number(
            name, $"{description}; 0 leaves it out, at most {Text(DenseCrfOptions.LargestWeight)}", "W", value, 0, DenseCrfOptions.LargestWeight);

        Option<double> Deviation(string name, string description, float value) => Number(
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

    /// <summary>The CRF that the command line asks for; null where it does not give <c>--crf</c>.</summary>
    /// <exception cref="UsageException">An option of the CRF is given without <c>--crf</c>.</exception>
    public DenseCrfOptions? Options(ParseResult parse)
    {
        if (_crf is not null && !parse.GetValue(_crf))
        {
            Option[] others = [_iterations, _smoothnessWeight, _smoothnessDeviation, _appearanceWeight, _appearanceDeviation, _colorDeviation];
            Option? lonely = others.FirstOrDefault(o => parse.GetResult(o) is { Implicit: false });
            return lonely is null ? null : throw new UsageException($"{lonely.Name} is for the CRF of --crf, which is missing");
        }

        return new DenseCrfOptions
        {
            Iterations = parse.GetValue(_iterations),
            SmoothnessWeight = (float)parse.GetValue(_smoothnessWeight),
            SmoothnessDeviation = (float)parse.GetValue(_smoothnessDeviation),
            AppearanceWeight = (float)parse.GetValue(_appearanceWeight),
            AppearanceDeviation = (float)parse.GetValue(_appearanceDeviation),
            ColorDeviation = (float)parse.GetValue(_colorDeviation),
        };
    }

    private static string Text(float value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
