using System.CommandLine;
using DeepLab.Data;

namespace DeepLab.Cli;

/// <summary>The options that name a dataset: <c>--voc</c> and <c>--split</c>, or <c>--images</c>, <c>--labels</c> and <c>--list</c>.</summary>
internal sealed class DatasetArguments
{
    /// <summary>The number of classes where nothing else specifies it: PASCAL VOC's.</summary>
    public const int DefaultClasses = 21;

    /// <summary>
    /// The default list that networks are evaluated on: for a dataset in VOC's layout, and for any other.
    /// </summary>
    public const string ValidationSplit = "val", ValidationList = "data/list/val.txt";

    private const string DefaultImages = "data/img/", DefaultLabels = "data/gt/";

    private readonly string _defaultSplit, _defaultList;
    private readonly Option<string?> _voc, _split, _labelsDir, _images, _labels, _list, _colors, _classesFile;
    private readonly Option<int?> _classes;
    private readonly Option<string[]> _mapping;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="forEvaluation">
    /// Whether the validation split is the default, and the option names of the seed's evaluation are accepted.
    /// </param>
    /// <param name="classesDefault">What the help gives as the default number of classes.</param>
    public DatasetArguments(CliCommand command, bool forEvaluation, string? classesDefault = null)
    {
        _defaultSplit = forEvaluation ? ValidationSplit : "train";
        _defaultList = forEvaluation ? ValidationList : "data/list/train_aug.txt";
        Option<string?> Add(string name, string value, string description, params string[] aliases)
        {
            Option<string?> option = command.AddOption<string?>(name, description, aliases);
            option.HelpName = value;
            return option;
        }

        _voc = Add("--voc", "ROOT", "a dataset in PASCAL VOC's layout: JPEGImages, SegmentationClass, ImageSets/Segmentation");
        _split = Add("--split", "NAME", $"with --voc: the list ImageSets/Segmentation/NAME.txt [default: {_defaultSplit}]");
        _labelsDir = Add("--labels-dir", "DIR", "with --voc: the folder of the label images [default: SegmentationClass]");
        _images = Add("--images", "DIR", $"instead of --voc: the folder of the images [default: {DefaultImages}]", forEvaluation ? ["--IMpath", "--testIMpath"] : ["--IMpath"]);
        _labels = Add("--labels", "DIR", $"the folder of their label images [default: {DefaultLabels}]", forEvaluation ? ["--GTpath", "--testGTpath"] : ["--GTpath"]);
        _list = Add("--list", "FILE", $"the list: one id per line, or the paths of an image and its label image [default: {_defaultList}]", "--LISTpath");
        _classes = command.AddOption<int?>("--classes", $"number of classes, including the background [default: {classesDefault ?? "21"}]", "--NoLabels");
        command.Require(_classes, n => n is null or (>= 2 and <= 255), "2 to 255");
        _classesFile = Add("--classes-file", "FILE", "class names, one line `index name` per class [default: labels.txt in the root of --voc]");
        _colors = Add("--label-colors", "FILE", "for label images in color: one line `index name r g b` per color");
        _mapping = command.AddOption<string[]>("--map-label", "replace a label value after reading, for example 255=1; may be repeated");
        _mapping.HelpName = "OLD=NEW";
    }

    /// <summary>The requested number of classes, or null.</summary>
    public int? Classes(ParseResult parse) => parse.GetValue(_classes);

    /// <summary>Opens the dataset.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="classes">The number of classes if the command line does not specify it.</param>
    /// <exception cref="UsageException">
    /// The options contradict each other, or no dataset is given and the default one does not exist.
    /// </exception>
    /// <exception cref="DeepLabException">The dataset cannot be read.</exception>
    public SegmentationDataset Open(ParseResult parse, int classes = DefaultClasses)
    {
        DatasetOptions options = Options(parse, classes);
        return parse.GetValue(_voc) is string root ? OpenVoc(parse, root, options) : OpenList(parse, options);
    }

    /// <summary>Opens the validation list of the dataset that <see cref="Open"/> opens for training.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="split">The option that names the list of a dataset in VOC's layout.</param>
    /// <param name="list">The option that names the list of any other dataset.</param>
    /// <exception cref="UsageException">
    /// The list is given by the wrong option, or none is given and the default one does not exist.
    /// </exception>
    /// <exception cref="DeepLabException">The list cannot be read.</exception>
    public SegmentationDataset OpenValidation(ParseResult parse, Option<string?> split, Option<string?> list)
    {
        DatasetOptions options = Options(parse, DefaultClasses);
        if (parse.GetValue(_voc) is string root)
        {
            if (parse.GetValue(list) is not null) throw new UsageException($"--voc and {list.Name} are mutually exclusive: give {split.Name} NAME");
            return SegmentationDataset.FromVoc(root, parse.GetValue(split) ?? ValidationSplit, LabelsFolder(parse), options);
        }

        if (parse.GetValue(split) is not null) throw new UsageException($"{split.Name} requires --voc ROOT; with --images give {list.Name} FILE");
        string file = parse.GetValue(list) ?? ValidationList;
        if (parse.GetValue(list) is null && !File.Exists(file)) throw new UsageException($"there is no validation list: the default {file} does not exist; give {list.Name} FILE");
        return SegmentationDataset.FromList(Existing(parse, _images, DefaultImages), Existing(parse, _labels, DefaultLabels), file, options);
    }

    private DatasetOptions Options(ParseResult parse, int classes)
    {
        LabelMapping mapping = UsageException.Reading(_mapping.Name, () => LabelMapping.Parse(parse.GetValue(_mapping) ?? []));
        return new DatasetOptions
        {
            Classes = Classes(parse) ?? classes,
            Mapping = mapping,
            ClassNames = parse.GetValue(_classesFile) is string names ? ClassNames.Load(names) : null,
            Colors = parse.GetValue(_colors) is string colors ? LabelColors.Load(colors) : null,
        };
    }

    private SegmentationDataset OpenVoc(ParseResult parse, string root, DatasetOptions options)
    {
        if (Given(parse, _images, _labels, _list) is string other)
            throw new UsageException($"--voc and {other} are mutually exclusive: give --voc ROOT --split NAME, or --images DIR --labels DIR --list FILE");
        return SegmentationDataset.FromVoc(root, parse.GetValue(_split) ?? _defaultSplit, LabelsFolder(parse), options);
    }

    private string LabelsFolder(ParseResult parse) => parse.GetValue(_labelsDir) ?? "SegmentationClass";

    private SegmentationDataset OpenList(ParseResult parse, DatasetOptions options)
    {
        if (Given(parse, _split, _labelsDir) is string lonely) throw new UsageException($"{lonely} requires --voc ROOT");
        string images = Existing(parse, _images, DefaultImages), labels = Existing(parse, _labels, DefaultLabels), list = Existing(parse, _list, _defaultList);
        return SegmentationDataset.FromList(images, labels, list, options);
    }

    // A default that does not exist is no help; saying so beats an error about a folder that nobody named.
    private string Existing(ParseResult parse, Option<string?> option, string byDefault)
    {
        if (parse.GetValue(option) is string given) return given;
        if (Path.Exists(byDefault)) return byDefault;
        string missing = Given(parse, _images, _labels, _list) is null ? "no dataset was given" : $"{option.Name} is missing";
        throw new UsageException(
            $"{missing} and the default {byDefault} does not exist: give --voc ROOT --split NAME, or --images DIR --labels DIR --list FILE");
    }

    private static string? Given(ParseResult parse, params Option<string?>[] options) => options.FirstOrDefault(o => parse.GetValue(o) is not null)?.Name;
}
