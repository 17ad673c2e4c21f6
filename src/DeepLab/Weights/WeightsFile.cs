using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Weights.Maps;

namespace DeepLab.Weights;

/// <summary>
/// An open weights file of any format that can be read, in which a DeepLab-ResNet, or the ResNet below its last layer, was recognised: its arrays under our
/// names, read one at a time.
/// </summary>
public sealed class WeightsFile : INetworkWeights, IDisposable
{
    private const int NamedProblems = 1000;

    private readonly IWeightsMap _map;

    private WeightsFile(ITensorFile file)
    {
        File = file;
        _map = WeightsMaps.Recognise(file);
        Configuration = NetworkMetadata.Apply(file, _map);
        ClassNames = NetworkMetadata.ClassNames(file, Configuration, _map.HasHead);
        IReadOnlyList<string> problems = _map.FindProblems();
        if (problems.Count > 0)
        {
            string more = problems.Count > NamedProblems ? $"; and {problems.Count - NamedProblems} more" : "";
            throw new InvalidFileException(file.Path, $"does not fit a DeepLab-ResNet-{Configuration.Depth}: {string.Join("; ", problems.Take(NamedProblems))}{more}");
        }

        State = [.. NetworkShapes.Of(Configuration, HasHead).Select(t => new TensorInfo(t.Name, TensorType.F32, [.. t.Shape.Select(side => (long)side)]))];
    }

    /// <summary>The arrays as the file has them.</summary>
    public ITensorFile File { get; }

    /// <summary>Whose names the file uses, for people.</summary>
    public string Names => _map.Names;

    /// <summary>Whether the file holds DeepLab's last layer; without it, it is a backbone that training can start from.</summary>
    public bool HasHead => _map.HasHead;

    /// <summary>What the file holds beside the network and is left out, such as a classifier's <c>fc1000</c>.</summary>
    public IReadOnlyList<string> LeftOut => _map.LeftOut;

    /// <inheritdoc/>
    /// <remarks>The classes mean nothing where there is no last layer.</remarks>
    public DeepLabConfiguration Configuration { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <inheritdoc/>
    /// <remarks>Without the last layer where the file has none.</remarks>
    public IReadOnlyList<TensorInfo> State { get; }

    /// <summary>Values of convolutions, biases and batch norms' gamma and beta; batch norms' statistics are not counted.</summary>
    public long Parameters => State.Where(t => !NetworkShapes.IsStatistic(t.Name)).Sum(t => t.Count);

    /// <summary>Opens a file of any format that can be read, told by its content; it stays open until disposed of.</summary>
    /// <exception cref="InvalidFileException">The file holds no network that is known, or a damaged one.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static WeightsFile Open(string path)
    {
        ITensorFile file = TensorFile.Open(path);
        try
        {
            return new WeightsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, Span<float> target) => _map.Read(name, target);

    /// <summary>Gives an array in place, under our name, where the file has it as we do; see <see cref="ITensorFile.TryMap"/>.</summary>
    public bool TryMap(string name, out ReadOnlyMemory<float> values) => _map.TryMap(name, out values);

    /// <summary>What a user should know of the file, a sentence each; finding out may take as long as reading it.</summary>
    public IEnumerable<string> FindNotes() => _map.FindNotes();

    /// <summary>Refuses a file without the last layer.</summary>
    /// <exception cref="InvalidFileException">There is none.</exception>
    public void RequireHead()
    {
        if (!HasHead)
            throw new InvalidFileException(File.Path, $"holds a ResNet-{Configuration.Depth} without DeepLab's last layer: \"deeplab init --from\" adds one that training can start from");
    }

    /// <inheritdoc/>
    public void Dispose() => File.Dispose();
}
