using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using DeepLab.Models;
using DeepLab.Weights;

namespace DeepLab.Tests.Weights;

/// <summary>
/// A weights file with arbitrary names and shapes and no data; its values are generated from the names.
/// </summary>
internal sealed class FakeTensorFile(IEnumerable<TensorInfo> tensors, Dictionary<string, string>? metadata = null) : ITensorFile
{
    public const string Case = "fake";

    private readonly Dictionary<string, TensorInfo> _tensors = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);

    public string Path => "fake";

    public string Format => "fake";

    public IReadOnlyList<TensorInfo> Tensors => [.. _tensors.Values];

    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata ?? [];

    /// <summary>The value of all elements; null to generate them from the names.</summary>
    public float? Constant { get; init; }

    /// <summary>A tensor that cannot be read.</summary>
    public string? Unreadable { get; init; }

    /// <summary>The network metadata that do not follow from its tensors.</summary>
    public static Dictionary<string, string> MetadataOf(DeepLabConfiguration configuration, IReadOnlyList<string>? classNames = null)
    {
        var metadata = new Dictionary<string, string>
        {
            ["preprocessing"] = configuration.Preprocessing.Name,
            ["stride"] = configuration.StrideOn3x3 ? "3x3" : "1x1",
        };
        if (classNames is not null) metadata["class_names"] = JsonSerializer.Serialize(classNames);
        return metadata;
    }

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor) => _tensors.TryGetValue(name, out tensor);

    public void ReadSingle(string name, Span<float> target)
    {
        if (name == Unreadable) throw new DeepLabException("gone");
        if (Constant is float constant) target.Fill(constant);
        else HashUniform.Values(Case, name, target.Length).CopyTo(target);
    }

    public void Dispose()
    {
    }
}
