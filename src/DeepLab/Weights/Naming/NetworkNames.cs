using DeepLab.IO;
using DeepLab.Models;

namespace DeepLab.Weights.Naming;

/// <summary>
/// What a tensor of the network is made of in a file: value alone, or value / divisor − bias, element by element.
/// </summary>
/// <param name="Value">The name of the tensor in the file.</param>
/// <param name="Divisor">The name of a tensor of one element; 0 makes the quotient 0.</param>
/// <param name="Bias">The name of a tensor of the same shape; null for zeros.</param>
internal readonly record struct TensorSource(string Value, string? Divisor = null, string? Bias = null);

/// <summary>
/// A network that was recognised in a file: which network it is, and under which names the file has its tensors.
/// </summary>
/// <param name="file">The file, which stays the caller's to dispose of.</param>
/// <param name="configuration">The network; its classes mean nothing without the last layer.</param>
/// <param name="hasHead">Whether DeepLab's last layer is in the file.</param>
internal abstract class NetworkNames(ITensorFile file, DeepLabConfiguration configuration, bool hasHead)
{
    /// <summary>The file.</summary>
    public ITensorFile File => file;

    /// <summary>
    /// The network, as far as names and shapes tell; its classes mean nothing without the last layer.
    /// </summary>
    public DeepLabConfiguration Configuration => configuration;

    /// <summary>Whether DeepLab's last layer is in the file, or only the ResNet below it.</summary>
    public bool HasHead => hasHead;

    /// <summary>The tensors that the file must have.</summary>
    public NetworkLayout Layout { get; } = NetworkLayout.Of(configuration, hasHead);

    /// <summary>
    /// Whose names they are, for people: <c>kazuto1011's names (base.layer1.conv1.conv.weight, ...)</c>.
    /// </summary>
    public abstract string Title { get; }

    /// <summary>What the file holds besides the network and is left out on purpose, such as <c>fc.weight</c>.</summary>
    public abstract IReadOnlyList<string> LeftOut { get; }

    /// <summary>What a tensor of the network is made of.</summary>
    public abstract TensorSource SourceOf(NetworkTensor tensor);

    /// <summary>
    /// What a user should know about the file of a whole network, one sentence each; finding out may take as long as
    /// reading it.
    /// </summary>
    public virtual IEnumerable<string> FindNotes() => [];

    /// <summary>
    /// Everything that is missing, misshapen, of a wrong type or left over, by the file's names; nothing if the network
    /// is whole.
    /// </summary>
    public IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (TensorInfo part in Parts().Concat(Copies()))
        {
            known.Add(part.Name);
            if (!file.TryGet(part.Name, out TensorInfo? found)) problems.Add($"{part.Name} is missing");
            else if (!Fits(part, found)) problems.Add($"{part.Name} is {BoundedText.Shape(found.Shape)}, not [{string.Join(", ", part.Shape)}]");
            else if (!found.Type.IsFloatingPoint()) problems.Add($"{part.Name} is of type {found.Type}, not F32, F64, F16 or BF16");
        }

        problems.AddRange(file.Tensors.Where(t => !known.Contains(t.Name) && !IsIgnored(t.Name)).Select(t => $"{BoundedText.Quote(t.Name)} is not part of the network"));
        return problems;
    }

    /// <summary>The tensors of the file that the network is made of, each once.</summary>
    protected IEnumerable<TensorInfo> Parts()
    {
        return Layout.Tensors.SelectMany(PartsOf).DistinctBy(part => part.Name);

        IEnumerable<TensorInfo> PartsOf(NetworkTensor tensor)
        {
            (string value, string? divisor, string? bias) = SourceOf(tensor);
            yield return tensor with { Name = value };
            if (divisor is not null) yield return new TensorInfo(divisor, TensorType.F32, [1]);
            if (bias is not null) yield return tensor with { Name = bias };
        }
    }

    /// <summary>The tensors in which the file repeats those of <see cref="Parts"/>.</summary>
    protected virtual IEnumerable<TensorInfo> Copies() => [];

    /// <summary>Whether a tensor of the file may be there without being part of the network.</summary>
    protected abstract bool IsIgnored(string name);

    /// <summary>Whether a tensor of the file has the shape that is expected.</summary>
    protected virtual bool Fits(TensorInfo expected, TensorInfo found) => found.Shape.SequenceEqual(expected.Shape);
}
