using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace DeepLab.IO;

/// <summary>
/// NumPy's .npy files of float32 in C order, such as score maps <c>[classes, height, width]</c>: format version 1.0,
/// as <c>numpy.save</c> writes them.
/// </summary>
internal static partial class NpyFile
{
    private const int Prefix = 10;
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];

    /// <summary>Writes an array; the file replaces <paramref name="path"/> only once it is whole.</summary>
    /// <param name="path">The file; its folder is made if needed.</param>
    /// <param name="shape">The sides, the slowest first; none for a scalar.</param>
    /// <param name="data">The elements, the last side's fastest.</param>
    /// <exception cref="ArgumentException">The elements do not fit the shape.</exception>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<int> shape, ReadOnlyMemory<float> data)
    {
        if (Count(shape) != data.Length)
            throw new ArgumentException($"The shape [{Join(shape)}] does not fit {data.Length} elements.", nameof(shape));
        string sides = shape.Length == 1 ? $"{shape[0]}," : Join(shape);
        string text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}";

        // Spaces and a line feed bring the data to a multiple of 64 bytes.
        int length = ((Prefix + text.Length + 1 + 63) / 64 * 64) - Prefix;
        if (length > ushort.MaxValue) throw new ArgumentException("The shape has too many sides.", nameof(shape));
        var header = new byte[Prefix + length];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)length);
        Encoding.ASCII.GetBytes(text.PadRight(length - 1) + "\n", header.AsSpan(Prefix));
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            FileBytes.WriteSingle(stream, data.Span);
        });
    }

    /// <summary>Reads an array of float32 in C order, little-endian.</summary>
    /// <returns>The sides, the slowest first, and the elements, the last side's fastest.</returns>
    /// <exception cref="InvalidFileException">The file is no such array.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static (int[] Shape, float[] Data) Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return Read(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static (int[] Shape, float[] Data) Read(FileStream stream, string path)
    {
        Span<byte> prefix = stackalloc byte[Prefix];
        if (stream.ReadAtLeast(prefix, Prefix, throwOnEndOfStream: false) < Prefix || !prefix[..8].SequenceEqual(Magic))
            throw new InvalidFileException(path, "not a .npy file of version 1.0");
        var header = new byte[BinaryPrimitives.ReadUInt16LittleEndian(prefix[8..])];
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
            throw new InvalidFileException(path, $"its header is cut short: {header.Length} bytes expected");
        Match match = HeaderText().Match(Encoding.Latin1.GetString(header));
        if (!match.Success)
            throw new InvalidFileException(path, "its header does not describe an array of numbers of one type; expected little-endian float32 ('<f4') in C order");
        if (match.Groups[1].Value != "<f4")
            throw new InvalidFileException(path, $"an array of type {BoundedText.Quote(match.Groups[1].Value)}; expected '<f4', little-endian float32: save it with array.astype('<f4')");
        if (match.Groups[2].Value != "False")
            throw new InvalidFileException(path, "an array in Fortran's order; expected C order: save it with numpy.ascontiguousarray(array)");
        string[] sides = match.Groups[3].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var shape = new int[sides.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            if (!int.TryParse(sides[i], NumberStyles.None, CultureInfo.InvariantCulture, out shape[i]))
                throw new InvalidFileException(path, "its header has a side that is no integer below 2^31");
        }

        long count = Count(shape), there = stream.Length - stream.Position;
        if (count < 0 || count * sizeof(float) != there)
            throw new InvalidFileException(path, $"holds {there} bytes of data; its shape {BoundedText.Shape([.. shape.Select(side => (long)side)])} needs another number");
        var data = new float[count];
        Span<byte> bytes = MemoryMarshal.AsBytes(data.AsSpan());
        stream.ReadExactly(bytes);
        FileBytes.ToLittleEndian(bytes, sizeof(float));
        return (shape, data);
    }

    /// <summary>The number of elements; -1 if a side is negative or their bytes are more than a span holds.</summary>
    private static long Count(ReadOnlySpan<int> shape)
    {
        long count = 1;
        foreach (int side in shape)
        {
            if (side < 0 || (count *= side) > int.MaxValue / sizeof(float)) return -1;
        }

        return count;
    }

    private static string Join(ReadOnlySpan<int> shape) => string.Join(", ", shape.ToArray());

    [GeneratedRegex(@"^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? ?\} *\n$", RegexOptions.NonBacktracking)]
    private static partial Regex HeaderText();
}
