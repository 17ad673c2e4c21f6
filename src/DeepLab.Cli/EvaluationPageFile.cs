using System.CommandLine;
using DeepLab.Backends;
using DeepLab.Crf;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Reports;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary>
/// The page of <c>eval --report</c>, rewritten after every snapshot: an interrupted evaluation keeps what it has found.
/// </summary>
internal sealed class EvaluationPageFile
{
    private readonly EvaluationRecord _record = new();
    private readonly SegmentationDataset _dataset;
    private readonly string[] _command;
    private readonly string _backend;
    private ImageRanking _images;

    /// <summary>Checks where the page is to be written, before hours go by.</summary>
    /// <exception cref="UsageException">The path cannot be that of a file.</exception>
    public EvaluationPageFile(string path, ParseResult parse, SegmentationDataset dataset, Backend backend)
    {
        if (string.IsNullOrWhiteSpace(path) || Directory.Exists(path)) throw new UsageException($"--report is '{path}', expected a file name");
        (Path, _dataset, _backend, _command) = (path, dataset, backend.Description, [.. CommandInvocation.Words(parse)]);
        _images = new ImageRanking(dataset.Classes, Palette.Voc);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Begins a snapshot.</summary>
    public void Begin() => _images = new ImageRanking(_dataset.Classes, Palette.Voc);

    /// <summary>Records an image.</summary>
    public void Add(EvaluatedImage image) => _images.Add(image);

    /// <summary>Ends a snapshot and writes the page.</summary>
    public void Write(DeepLabResNet network, EvaluationReport report)
    {
        DeepLabConfiguration configuration = network.Configuration;
        List<(string, string)> facts =
        [
            ("Weights", report.Weights),
            ("Checksum", NetworkWeights.Of(network).Checksum()),
            ("Network", $"DeepLab-ResNet-{configuration.Depth}, {configuration.Classes} classes, preprocessing {configuration.Preprocessing.Name}"),
        ];
        if (report.CrfOptions is DenseCrfOptions crf) facts.Add(("CRF", Describe(crf)));
        _record.Add(report, _images, facts);
        EvaluationPage.Write(
            Path,
            _record,
            Palette.Voc,
            [("Dataset", $"{_dataset.Source}, {_dataset.Samples.Count} images"), ("Computed with", _backend), .. RunFacts.Here(_command, DateTimeOffset.Now)]);
    }

    private static string Describe(DenseCrfOptions crf) => CliConsole.Format(
        $"{crf.Iterations} steps; smoothness weight {crf.SmoothnessWeight}, σxy {crf.SmoothnessDeviation}; appearance weight {crf.AppearanceWeight}, σxy {crf.AppearanceDeviation}, σrgb {crf.ColorDeviation}");
}
