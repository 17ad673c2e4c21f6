using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace DeepLab.Weights;

/// <summary>A checksum of a network's values, the same for the same weights in every format.</summary>
public sealed class WeightsChecksum : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>The checksum of weights: the first 16 hexadecimal digits of SHA-256 over names, shapes and values.</summary>
    public static string Of(INetworkWeights weights)
    {
        using var checksum = new WeightsChecksum();
        var buffer = new float[weights.State.Max(t => t.Count)];
        foreach (TensorInfo tensor in weights.State)
        {
            Span<float> values = buffer.AsSpan(0, (int)tensor.Count);
            weights.Read(tensor.Name, values);
            checksum.Add(tensor, values);
        }

        return checksum.Result();
    }

    /// <summary>Adds an array; all are added in the order of the network's state.</summary>
    public void Add(TensorInfo tensor, ReadOnlySpan<float> values)
    {
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

    /// <summary>The checksum of what was added.</summary>
    public string Result() => Convert.ToHexStringLower(_hash.GetHashAndReset())[..16];

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
