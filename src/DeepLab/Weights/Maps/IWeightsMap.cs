using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>How a network's arrays are found in a file whose names, layout or meaning may be others than ours.</summary>
internal interface IWeightsMap
{
    /// <summary>Whose names they are, for people: <c>kazuto1011's names (base.layer1.conv1.conv.weight, ...)</c>.</summary>
    string Names { get; }

    /// <summary>The network; its classes mean nothing where there is no last layer.</summary>
    DeepLabConfiguration Configuration { get; }

    /// <summary>Whether DeepLab's last layer is in the file, or only the ResNet below it.</summary>
    bool HasHead { get; }

    /// <summary>What the file holds beside the network and is knowingly left out, such as <c>fc.weight</c>.</summary>
    IReadOnlyList<string> LeftOut { get; }

    /// <summary>All that is missing, left over, or of a wrong shape or type, by the file's names; empty if the network is whole.</summary>
    IReadOnlyList<string> FindProblems();

    /// <summary>What a user should know of a whole network's file, a sentence each; finding out may take as long as reading it.</summary>
    IEnumerable<string> FindNotes() => [];

    /// <summary>Reads one of our arrays; there were no problems.</summary>
    /// <param name="name">Our name, such as <c>Scale.bn1.running_mean</c>.</param>
    /// <param name="target">Takes the elements, in our order.</param>
    void Read(string name, Span<float> target);

    /// <summary>Gives one of our arrays in place; see <see cref="ITensorFile.TryMap"/>.</summary>
    /// <param name="name">Our name.</param>
    /// <param name="values">The elements, in our order.</param>
    bool TryMap(string name, out ReadOnlyMemory<float> values)
    {
        values = default;
        return false;
    }
}
