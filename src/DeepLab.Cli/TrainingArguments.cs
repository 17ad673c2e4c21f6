using System.CommandLine;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary>The options of the training regime; their defaults are those of <see cref="TrainingOptions"/>.</summary>
internal sealed class TrainingArguments
{
    /// <summary>The weights that training starts from by default, by the name they have in the seed.</summary>
    public const string DefaultInit = "data/MS_DeepLab_resnet_pretrained_COCO_init.pth";

    private const string Scratch = "scratch";
    private const int SmallestCrop = 33;

    private readonly Option<string?> _init, _augmentScales;
    private readonly Option<string> _recipe, _snapshots, _snapshotPrefix, _snapshotFormat;
    private readonly Option<int?> _depth, _crop;
    private readonly Option<bool> _noFlip, _noShuffle;
    private readonly Option<int> _maxIter, _iterSize, _snapshotEvery, _loaderThreads;
    private readonly Option<double> _lr, _power, _momentum, _weightDecay, _clip, _headLrMult;
    private readonly Option<ulong> _seed;
    private readonly Option<ActivationCheckpointing> _memory;

    /// <summary>Adds the options to a command.</summary>
    public TrainingArguments(CliCommand command)
    {
        var defaults = new TrainingOptions();
        _init = command.AddOption<string?>("--init", $"weights to start from, or {Scratch} to initialise them at random [default: {DefaultInit} if it exists]");
        _init.HelpName = $"FILE|{Scratch}";
        _depth = command.AddOption<int?>("--depth", "depth of the ResNet: 18, 34, 50, 101 or 152 [default: that of the --init file, or 101 from scratch]");
        command.Require(_depth, n => n is int depth && DeepLabConfiguration.Depths.Contains(depth), "18, 34, 50, 101 or 152");
        _recipe = command.AddOptionWithDefault("--recipe", "how images are augmented and the loss is averaged: caffe (the authors') or seed (pytorch-deeplab-resnet's)", defaults.Recipe.Name);
        _recipe.HelpName = "caffe|seed";
        _recipe.AcceptOnlyFromAmong("caffe", "seed");
        _augmentScales = command.AddOption<string?>(
            "--augment-scales", "scales to resize training images by at random, a list or a range [default: 0.5,0.75,1,1.25,1.5, or 0.5-1.3 with --recipe seed]", "--scales");
        _augmentScales.HelpName = "LIST";
        _crop = command.AddOption<int?>("--crop", "side of the random crop in pixels, 0 for none [default: 321, or 0 with --recipe seed]");
        command.Require(_crop, n => n is 0 or (>= SmallestCrop and <= 16384), $"{SmallestCrop} to 16384, or 0 for no crop");
        _noFlip = command.AddOption<bool>("--no-flip", "do not mirror images at random");
        _noShuffle = command.AddOption<bool>("--no-shuffle", "use the images in the order of the list");
        _seed = RuntimeArguments.AddSeed(command);
        _maxIter = Whole("--max-iter", "number of iterations: updates, or images with --recipe seed", defaults.Iterations, "--maxIter");
        _iterSize = Whole("--iter-size", "images per update", defaults.IterationSize, "-i", "--iterSize");
        _lr = Number("--lr", "initial learning rate", defaults.BaseLearningRate);
        _power = Number("--power", "exponent of the learning rate's decay, (1 - iteration/iterations)^power", defaults.PolyPower);
        _momentum = Number("--momentum", "momentum, the share of the previous step that is kept", defaults.Momentum);
        command.Require(_momentum, n => n < 1, "less than 1");
        _weightDecay = Number("--weight-decay", "weight decay", defaults.WeightDecay, "--wtDecay");
        _headLrMult = Number("--head-lr-mult", "multiplier of the learning rate for the last layer's weights; its biases have twice that", defaults.HeadLearningRateMultiplier);
        _clip = Number("--clip", "maximum norm of the gradient, to which a longer one is scaled down; 0 for no limit", defaults.ClipNorm);
        _clip.HelpName = "NORM";
        _snapshots = command.AddOptionWithDefault("--snapshots", "folder for the snapshots and log.csv", "data/snapshots");
        _snapshots.HelpName = "DIR";
        _snapshotPrefix = command.AddOptionWithDefault("--snapshot-prefix", "what the snapshots' file names start with, before the iteration", defaults.SnapshotPrefix, "--snapPrefix");
        _snapshotEvery = Whole("--snapshot-every", "iterations between snapshots; there is always one at the end", defaults.SnapshotEvery);
        _snapshotFormat = command.AddOptionWithDefault("--snapshot-format", "format of the snapshots: pth (PyTorch) or safetensors", defaults.SnapshotExtension[1..]);
        _snapshotFormat.HelpName = "pth|safetensors";
        _snapshotFormat.AcceptOnlyFromAmong([.. SnapshotFile.Extensions.Select(e => e[1..])]);
        _loaderThreads = Whole("--loader-threads", "threads that load images in advance", defaults.LoaderThreads);
        command.Require(_loaderThreads, n => n <= 256, "1 to 256");
        _memory = RuntimeArguments.AddMemory(command);

        Option<int> Whole(string name, string description, int value, params string[] aliases)
        {
            Option<int> option = command.AddOptionWithDefault(name, description, value, aliases);
            command.Require(option, n => n >= 1, "at least 1");
            return option;
        }

        Option<double> Number(string name, string description, double value, params string[] aliases)
        {
            Option<double> option = command.AddOptionWithDefault(name, description, value, aliases);
            command.Require(option, n => double.IsFinite(n) && n >= 0, "a non-negative number");
            return option;
        }
    }

    /// <summary>The recipe in one line.</summary>
    public static string Describe(AugmentationRecipe recipe)
    {
        string warp = recipe.Warp is int side ? $"warped to {side}×{side}, " : "";
        string crop = recipe.Crop is int n ? $"crop {n}×{n}" : "no crop";
        return $"{recipe.Name}: {warp}scales {recipe.Scales}, {crop}, {(recipe.FlipProbability > 0 ? "flipped at random" : "not flipped")}, label 255 {(recipe.IgnoredLabel255 ? "ignored" : "counted as background")}";
    }

    /// <summary>The regime that the command line asks for.</summary>
    public TrainingOptions Options(ParseResult parse) => new()
    {
        Recipe = Recipe(parse),
        Iterations = parse.GetValue(_maxIter),
        IterationSize = parse.GetValue(_iterSize),
        BaseLearningRate = parse.GetValue(_lr),
        PolyPower = parse.GetValue(_power),
        Momentum = parse.GetValue(_momentum),
        WeightDecay = parse.GetValue(_weightDecay),
        HeadLearningRateMultiplier = parse.GetValue(_headLrMult),
        ClipNorm = parse.GetValue(_clip),
        Seed = parse.GetValue(_seed),
        Checkpointing = parse.GetValue(_memory),
        Shuffle = !parse.GetValue(_noShuffle),
        LoaderThreads = parse.GetValue(_loaderThreads),
        SnapshotDirectory = parse.GetValue(_snapshots)!,
        SnapshotPrefix = parse.GetValue(_snapshotPrefix)!,
        SnapshotEvery = parse.GetValue(_snapshotEvery),
        SnapshotExtension = "." + parse.GetValue(_snapshotFormat),
    };

    /// <summary>What training starts from.</summary>
    /// <exception cref="DeepLabException">
    /// No file was given and the default one does not exist, or the file is not a network.
    /// </exception>
    public InitialWeights InitialWeights(ParseResult parse)
    {
        int? depth = parse.GetValue(_depth);
        string? init = parse.GetValue(_init);
        var configuration = new DeepLabConfiguration();
        if (init == Scratch) return new InitialWeights(null, configuration with { Depth = depth ?? configuration.Depth });
        if (init is null && !File.Exists(DefaultInit))
            throw new DeepLabException($"no weights to start from: the default {DefaultInit} does not exist; give --init FILE, create it with \"deeplab init\", or train from scratch with --init {Scratch}");
        string file = init ?? DefaultInit;
        using NetworkWeights weights = NetworkWeights.Open(file);
        configuration = weights.Configuration;
        return depth is null || depth == configuration.Depth
            ? new InitialWeights(file, configuration)
            : throw new DeepLabException($"{file} holds a network of depth {configuration.Depth}, not {depth}: give --depth {configuration.Depth}");
    }

    private AugmentationRecipe Recipe(ParseResult parse)
    {
        AugmentationRecipe recipe = AugmentationRecipe.ByName(parse.GetValue(_recipe)!);
        if (parse.GetValue(_augmentScales) is string scales)
            recipe = recipe with { Scales = UsageException.Reading(_augmentScales.Name, () => ScaleDistribution.Parse(scales)) };
        if (parse.GetValue(_crop) is int crop) recipe = recipe with { Crop = crop == 0 ? null : crop };
        return parse.GetValue(_noFlip) ? recipe with { FlipProbability = 0 } : recipe;
    }
}
