using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace DeepLab.Weights;

/// <summary>
/// A checksum of a network's values, the same for the same weights in every format: see
/// <see cref="NetworkWeights.Checksum"/>.
/// </summary>
/// <param name="layout">The tensors, which must be added in this order.</param>
internal sealed class WeightsChecksum(NetworkLayout layout) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _added;

    /// <summary>Adds the next tensor.</summary>
    /// <exception cref="InvalidOperationException">It is not the next one.</exception>
    public void Add(NetworkTensor tensor, ReadOnlySpan<float> values)
    {
        if (_added == layout.Tensors.Count || layout.Tensors[_added].Name != tensor.Name)
            throw new InvalidOperationException($"{tensor.Name} was added out of order, after {_added} of {layout.Tensors.Count} tensors.");
        _added++;
        _hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.Name} [{string.Join(", ", tensor.Shape)}]\n"));
        if (BitConverter.IsLittleEndian)
        {
            _hash.AppendData(MemoryMarshal.AsBytes(values));
            return;
        }

        Span<byte> element = stackalloc byte[sizeof(float)];
        foreach (float value in values)
        {
            BinaryPrimitives.WriteSingleLittleEndian(element, value);
            _hash.AppendData(element);
        }
    }

    /// <summary>The checksum.</summary>
    /// <exception cref="InvalidOperationException">Not all tensors were added.</exception>
    public string Result() => _added == layout.Tensors.Count
        ? Convert.ToHexStringLower(_hash.GetHashAndReset())[..16]
        : throw new InvalidOperationException($"{_added} of {layout.Tensors.Count} tensors were added.");

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
