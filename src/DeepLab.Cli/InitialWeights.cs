using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary>What training starts from.</summary>
/// <param name="File">A weights file, or null to initialize all weights at random.</param>
/// <param name="Configuration">The network in the file, whose classes may differ from the dataset's.</param>
internal sealed record InitialWeights(string? File, DeepLabConfiguration Configuration)
{
    /// <summary>One line for the user.</summary>
    public string Description => File ?? "from scratch, batch norm measured on training crops";

    /// <summary>Sets the network's weights.</summary>
    /// <returns>
    /// Whether the file has other classes or no last layer, so that the last layer was initialized at random.
    /// </returns>
    public bool Load(DeepLabResNet network, SegmentationDataset dataset, TrainingOptions options)
    {
        if (File is null)
        {
            Trainer.InitializeFromScratch(network, dataset, options);
            return false;
        }

        if (NetworkFile.LoadInto(File, network)) return false;
        network.InitializeHead(options.Seed);
        return true;
    }
}
