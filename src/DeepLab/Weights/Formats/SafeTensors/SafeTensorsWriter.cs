using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Weights.Formats.SafeTensors;

/// <summary>
/// Writes .safetensors files of F32 tensors. Equal arguments give equal bytes: tensors lie in the order given, metadata
/// in the ordinal order of keys, and the header is padded with spaces to a multiple of 8 bytes.
/// </summary>
internal static class SafeTensorsWriter
{
    /// <summary>Writes a file that replaces <paramref name="path"/> only once it is whole.</summary>
    /// <param name="path">The file; its folder is made if needed.</param>
    /// <param name="tensors">The tensors: names, none of them twice; sides, the slowest first; elements, as many as the
    /// sides say.</param>
    /// <param name="metadata">What to put under <c>__metadata__</c>; nothing if null.</param>
    /// <exception cref="ArgumentException">A name occurs twice or is <c>__metadata__</c>, or a tensor's data do not fit
    /// its shape.</exception>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, long[] Shape, ReadOnlyMemory<float> Data)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        CheckData(tensors);
        byte[] header = Header([.. tensors.Select(t => (t.Name, t.Shape))], metadata);
        AtomicFile.Write(path, stream => WriteAll(stream, header, tensors));
    }

    /// <summary>Writes to a stream.</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyList{ValueTuple{string, long[], ReadOnlyMemory{float}}}, IReadOnlyDictionary{string, string})"/>
    public static void Write(Stream stream, IReadOnlyList<(string Name, long[] Shape, ReadOnlyMemory<float> Data)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        CheckData(tensors);
        WriteAll(stream, Header([.. tensors.Select(t => (t.Name, t.Shape))], metadata), tensors);
    }

    /// <summary>
    /// Writes a file whose tensors are filled in one at a time, for tensors that are not in memory in the file's
    /// layout.
    /// </summary>
    /// <param name="path">The file; its folder is made if needed.</param>
    /// <param name="tensors">The tensors: names, none of them twice; sides, the slowest first.</param>
    /// <param name="fill">Called for each tensor in turn with its index and the span for its elements, whose initial
    /// contents are undefined.</param>
    /// <param name="metadata">What to put under <c>__metadata__</c>; nothing if null.</param>
    /// <exception cref="ArgumentException">A name occurs twice or is <c>__metadata__</c>, or a shape is negative or
    /// more than an array holds.</exception>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, long[] Shape)> tensors, Action<int, Span<float>> fill, IReadOnlyDictionary<string, string>? metadata = null)
    {
        byte[] header = Header(tensors, metadata);
        int largest = tensors.Count == 0 ? 0 : tensors.Max(t => ArrayLength(t.Name, t.Shape));
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            var buffer = new float[largest];
            for (int i = 0; i < tensors.Count; i++)
            {
                Span<float> data = buffer.AsSpan(0, ArrayLength(tensors[i].Name, tensors[i].Shape));
                fill(i, data);
                FileBytes.WriteSingle(stream, data);
            }
        });
    }

    private static void WriteAll(Stream stream, byte[] header, IReadOnlyList<(string Name, long[] Shape, ReadOnlyMemory<float> Data)> tensors)
    {
        stream.Write(header);
        foreach ((_, _, ReadOnlyMemory<float> data) in tensors)
            FileBytes.WriteSingle(stream, data.Span);
    }

    /// <summary>The file's first part: the length of the JSON, and the JSON.</summary>
    private static byte[] Header(IReadOnlyList<(string Name, long[] Shape)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            WriteEntries(json, tensors);
            json.WriteEndObject();
        }

        int padding = -buffer.WrittenCount & 7;
        buffer.Write("       "u8[..padding]);
        int length = buffer.WrittenCount - 8;
        if (length > SafeTensorsHeader.MaximumLength)
            throw new ArgumentException($"The header takes {length} bytes; the format allows {SafeTensorsHeader.MaximumLength}.", nameof(tensors));
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        return header;
    }

    private static void WriteEntries(Utf8JsonWriter json, IReadOnlyList<(string Name, long[] Shape)> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        long position = 0;
        foreach ((string name, long[] shape) in tensors)
        {
            if (!names.Add(name)) throw new ArgumentException($"The name '{name}' is reserved or comes twice.", nameof(tensors));
            json.WriteStartObject(name);
            json.WriteString("dtype", "F32");
            json.WriteStartArray("shape");
            foreach (long side in shape)
                json.WriteNumberValue(side);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(position);
            position += (long)ArrayLength(name, shape) * sizeof(float);
            json.WriteNumberValue(position);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private static void CheckData(IReadOnlyList<(string Name, long[] Shape, ReadOnlyMemory<float> Data)> tensors)
    {
        foreach ((string name, long[] shape, ReadOnlyMemory<float> data) in tensors)
        {
            if (ArrayLength(name, shape) != data.Length)
                throw new ArgumentException($"Tensor '{name}' of shape [{string.Join(", ", shape)}] comes with {data.Length} elements.", nameof(tensors));
        }
    }

    /// <summary>The number of elements of a shape, which an array must be able to hold.</summary>
    internal static int ArrayLength(string name, long[] shape)
    {
        long count = 1;
        foreach (long side in shape)
        {
            // Both factors stay below 2^31, so the product does not overflow.
            if (side < 0 || side > Array.MaxLength || (count *= side) > Array.MaxLength)
                throw new ArgumentException($"Tensor '{name}' of shape [{string.Join(", ", shape)}] is negative or more than an array holds.", nameof(shape));
        }

        return (int)count;
    }
}
