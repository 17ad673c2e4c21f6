namespace DeepLab.Cli;

/// <summary>Words what would help against a failure by the options of the command line.</summary>
internal static class RemedyText
{
    /// <summary>A message followed by the options that would help: <c>…: give --classes N, or give --map-label 7=NEW</c>.</summary>
    /// <param name="message">The message of an exception or of a finding.</param>
    /// <param name="remedy">The change that would help; null leaves the message as it is.</param>
    public static string Append(string message, Remedy? remedy) => remedy is null ? message : $"{message}: {Of(remedy)}";

    /// <summary>The message of an exception, with the options that would help.</summary>
    public static string Describe(Exception exception) => Append(exception.Message, (exception as DeepLabException)?.Remedy);

    private static string Of(Remedy remedy) => remedy.Alternative is null ? Word(remedy) : $"{Word(remedy)}, or {Of(remedy.Alternative)}";

    private static string Word(Remedy remedy) => remedy.Kind switch
    {
        RemedyKind.Classes => $"give --classes {remedy.Value ?? "N"}",
        RemedyKind.Depth => $"give --depth {remedy.Value ?? "N"}",
        RemedyKind.LabelMapping => $"give --map-label {Pair(remedy.Value ?? "OLD")}",
        RemedyKind.LabelColors when remedy.Value is not null => "add it to the file of --label-colors",
        RemedyKind.LabelColors => "give --label-colors FILE (a line `index name r g b` for each color)",
        RemedyKind.Crop => $"give --crop {remedy.Value ?? "N"}",
        RemedyKind.LearningRate => "give a lower --lr",
        RemedyKind.GradientClipping => $"give --clip {remedy.Value ?? "NORM"}",
        RemedyKind.LastLayer => "\"deeplab init --from\" adds one that training can start from",
        RemedyKind.NoPictures => "leave out --visualize",
        RemedyKind.NoProbabilities => "leave out --probabilities to take any numbers, as scores",
        RemedyKind.Measures => "\"deeplab eval --json FILE\" writes them",
        _ => throw new ArgumentOutOfRangeException(nameof(remedy), remedy.Kind, "This kind has no words."),
    };

    private static string Pair(string labels) => labels.Contains('=', StringComparison.Ordinal) ? labels : labels + "=NEW";
}
