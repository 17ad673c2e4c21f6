using System.Diagnostics.CodeAnalysis;
using DeepLab.Weights;

namespace DeepLab.Tests.Weights;

/// <summary>A weights file of any names and shapes without a byte of data; its values come from the names.</summary>
internal sealed class FakeTensorFile(IEnumerable<TensorInfo> tensors, Dictionary<string, string>? metadata = null, string format = "fake") : ITensorFile
{
    public const string Case = "fake";

    private readonly Dictionary<string, TensorInfo> _tensors = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);

    public string Path => "fake";

    public string Format => format;

    public IReadOnlyList<TensorInfo> Tensors => [.. _tensors.Values];

    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata ?? [];

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor) => _tensors.TryGetValue(name, out tensor);

    public void ReadSingle(string name, Span<float> target) => HashUniform.Values(Case, name, target.Length).CopyTo(target);

    public void Dispose()
    {
    }
}
