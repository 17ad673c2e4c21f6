using DeepLab.Models;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary>What a weights file holds, in rows.</summary>
internal static class WeightsDisplay
{
    /// <summary>Shows format, names, network, preprocessing and number of parameters.</summary>
    public static void Describe(NetworkWeights weights, CliConsole console)
    {
        DeepLabConfiguration configuration = weights.Configuration;
        console.Row("format", weights.Format);
        console.Row("names", weights.NamingScheme);
        console.Row("network", weights.HasHead
            ? $"DeepLab-ResNet-{configuration.Depth}"
            : $"ResNet-{configuration.Depth}, a backbone without DeepLab's last layer");
        console.Row("depth", $"{configuration.Depth}");
        if (weights.HasHead) console.Row("classes", $"{configuration.Classes}{(weights.ClassNames is { } names ? $" ({ConsoleText.Sanitize(string.Join(", ", names))})" : "")}");
        string stride = !configuration.HasBottlenecks ? "" : configuration.StrideOn3x3 ? "; stride on the 3×3 of bottlenecks" : "; stride on the first 1×1 of bottlenecks";
        console.Row("preprocessing", $"{configuration.Preprocessing.Name}{stride}");
        if (weights.LeftOut.Count > 0) console.Row("left out", ConsoleText.Sanitize(string.Join(", ", weights.LeftOut)));
        console.Row("parameters", ConsoleText.Count(weights.Parameters));
    }
}
