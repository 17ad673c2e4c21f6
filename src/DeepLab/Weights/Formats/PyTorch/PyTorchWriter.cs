using System.IO.Hashing;
using System.Runtime.InteropServices;
using DeepLab.IO;
using DeepLab.Weights.Formats.SafeTensors;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Writes state dicts of F32 tensors that <c>torch.load</c> opens, with <c>weights_only=True</c> too: the zip archive
/// of PyTorch 1.6 and later. Equal arguments give equal bytes.
/// </summary>
internal static class PyTorchWriter
{
    // torch.save names it after the file; here the file's name must not change the bytes.
    private const string Folder = "archive";

    // A span holds at most 2 GB, so long tensors are written in parts.
    private const int Part = 1 << 27;

    /// <summary>
    /// Writes a file that replaces <paramref name="path"/> only once it is whole. Tensors are filled in one at a time.
    /// </summary>
    /// <param name="path">The file; its folder is made if needed.</param>
    /// <param name="tensors">The tensors: names, none of them twice; sides, the slowest first.</param>
    /// <param name="fill">Called for each tensor in turn with its index and the span for its elements, whose initial
    /// contents are undefined.</param>
    /// <param name="metadata">Texts to keep alongside the tensors, as the attribute <c>deeplab</c> (a dict) of the
    /// OrderedDict that torch.load returns; nothing if null.</param>
    /// <exception cref="ArgumentException">A name occurs twice or is not valid Unicode, or a shape is negative or more
    /// than an array holds.</exception>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, long[] Shape)> tensors, Action<int, Span<float>> fill, IReadOnlyDictionary<string, string>? metadata = null)
    {
        Archive archive = Prepare(tensors, metadata);
        AtomicFile.Write(path, stream => archive.Write(stream, fill));
    }

    /// <summary>Writes to a stream.</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyList{ValueTuple{string, long[]}}, Action{int, Span{float}}, IReadOnlyDictionary{string, string})"/>
    internal static void Write(Stream stream, IReadOnlyList<(string Name, long[] Shape)> tensors, Action<int, Span<float>> fill, IReadOnlyDictionary<string, string>? metadata = null) =>
        Prepare(tensors, metadata).Write(stream, fill);

    private static Archive Prepare(IReadOnlyList<(string Name, long[] Shape)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, _) in tensors)
        {
            if (!names.Add(name)) throw new ArgumentException($"The name '{name}' comes twice.", nameof(tensors));
        }

        int[] lengths = [.. tensors.Select(t => SafeTensorsWriter.ArrayLength(t.Name, t.Shape))];
        return new Archive(PickleWriter.StateDict(tensors, metadata), lengths);
    }

    /// <summary>What is known before the first tensor is filled in: the pickle, and the tensors' lengths.</summary>
    private sealed record Archive(byte[] Pickle, int[] Lengths)
    {
        public void Write(Stream stream, Action<int, Span<float>> fill)
        {
            var zip = new ZipWriter(stream);
            WriteRecord(zip, stream, "data.pkl", Pickle);
            WriteRecord(zip, stream, "byteorder", "little"u8);
            var buffer = new float[Lengths.DefaultIfEmpty().Max()];
            for (int i = 0; i < Lengths.Length; i++)
            {
                Span<float> data = buffer.AsSpan(0, Lengths[i]);
                fill(i, data);
                WriteData(zip, stream, $"data/{i}", data);
            }

            WriteRecord(zip, stream, "version", "3\n"u8);
            zip.Finish();
        }

        private static void WriteRecord(ZipWriter zip, Stream stream, string name, ReadOnlySpan<byte> content)
        {
            zip.Begin($"{Folder}/{name}", content.Length, Crc32.HashToUInt32(content));
            stream.Write(content);
        }

        /// <summary>
        /// The header in front of the data holds their CRC, so it is computed first; the second pass finds most of the
        /// data still in the cache.
        /// </summary>
        private static void WriteData(ZipWriter zip, Stream stream, string name, Span<float> data)
        {
            var crc = new Crc32();
            for (int start = 0; start < data.Length; start += Part)
            {
                Span<byte> bytes = Bytes(data, start);
                FileBytes.ToLittleEndian(bytes, sizeof(float));
                crc.Append(bytes);
            }

            zip.Begin($"{Folder}/{name}", (long)data.Length * sizeof(float), crc.GetCurrentHashAsUInt32());
            for (int start = 0; start < data.Length; start += Part)
                stream.Write(Bytes(data, start));
        }

        private static Span<byte> Bytes(Span<float> data, int start) => MemoryMarshal.AsBytes(data.Slice(start, Math.Min(Part, data.Length - start)));
    }
}
