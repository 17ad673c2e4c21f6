using System.Buffers.Binary;
using System.Text;
using DeepLab.Tensors;
using DeepLab.Weights.Formats.PyTorch;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

/// <summary>Builds pickles and PyTorch files by hand, valid and invalid.</summary>
internal static class PthBuilder
{
    /// <summary>
    /// A protocol 2 pickle: a char or byte is an instruction, an int or text pushes itself onto the stack, byte arrays
    /// are copied as they are.
    /// </summary>
    public static byte[] Pickle(params object[] parts)
    {
        var bytes = new List<byte> { 0x80, 2 };
        foreach (object part in parts)
        {
            bytes.AddRange(part switch
            {
                char instruction => [(byte)instruction],
                byte instruction => [instruction],
                int number => [(byte)'J', .. Bytes(number)],
                string text => [(byte)'X', .. Bytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)],
                byte[] raw => raw,
                _ => throw new ArgumentException(part.GetType().Name),
            });
        }

        return [.. bytes];
    }

    /// <summary>The instructions that push parts onto the stack, without a pickle's header.</summary>
    public static byte[] Part(params object[] parts) => Pickle(parts)[2..];

    /// <summary>The instruction that names a function or class.</summary>
    public static byte[] Global(string module, string name) => Encoding.UTF8.GetBytes($"c{module}\n{name}\n");

    /// <summary>A storage of singles.</summary>
    public static byte[] Storage(string key, int total, byte[]? view = null) =>
        Part('(', "storage", Global("torch", "FloatStorage"), key, "cpu", total, view ?? [], 't', 'Q');

    /// <summary>A tensor in a storage.</summary>
    public static byte[] Tensor(byte[] storage, int offset, int[] sizes, int[] strides) => Part(
        Global("torch._utils", "_rebuild_tensor_v2"), '(', storage, offset, Tuple(sizes), Tuple(strides), (byte)0x89, Global("collections", "OrderedDict"), ')', 'R', 't', 'R');

    /// <summary>A tensor of four singles, the whole of storage 0.</summary>
    public static byte[] FourSingles(bool legacy = false) => Tensor(Storage("0", 4, legacy ? Part('N') : null), 0, [4], [1]);

    public static byte[] Tuple(params int[] values) => Part(['(', .. values.Cast<object>(), 't']);

    /// <summary>A file of the new format around a pickle; its storage 0 holds the singles 1, 2, 3 and 4.</summary>
    public static byte[] Zip(byte[] pickle, params (string Name, byte[] Content)[] others)
    {
        using var stream = new MemoryStream();
        var zip = new ZipWriter(stream);
        foreach ((string name, byte[] content) in (IEnumerable<(string, byte[])>)[("data.pkl", pickle), ("data/0", Singles(1, 2, 3, 4)), .. others])
        {
            zip.Begin($"archive/{name}", content.Length, crc: 0);
            stream.Write(content);
        }

        zip.Finish();
        return stream.ToArray();
    }

    /// <summary>A file of the old format around a pickle; its storage 0 holds the singles 1, 2, 3 and 4.</summary>
    public static byte[] Legacy(byte[] pickle, byte[]? keys = null, byte[]? storages = null, bool littleEndian = true) =>
    [
        .. Convert.FromHexString("80028a0a6cfc9c46f9206aa850192e"),
        .. Pickle(1001, '.'),
        .. Pickle('}', "little_endian", (byte)(littleEndian ? 0x88 : 0x89), 's', '.'),
        .. pickle,
        .. keys ?? Pickle(']', "0", 'a', '.'),
        .. storages ?? [.. Bytes(4L), .. Singles(1, 2, 3, 4)],
    ];

    public static byte[] Singles(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static byte[] Bytes(int value)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Bytes(long value) => BitConverter.GetBytes(value);
}
