using System.Buffers.Binary;
using DeepLab.IO;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>What torch.save put in a file: an object, and where the bytes of its storages lie.</summary>
/// <param name="Format">The kind of file, for people.</param>
/// <param name="Root">The object.</param>
/// <param name="Storages">Where each storage's first byte lies, by key. Every storage that the object refers to is
/// there, with the length it should have.</param>
internal sealed record PyTorchContents(string Format, PickleValue Root, IReadOnlyDictionary<string, long> Storages)
{
    private const int MagicLength = 10;

    // The number 0x1950a86a20f9469cfc6c as a pickle has it.
    private static ReadOnlySpan<byte> Magic => [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19];

    /// <summary>Whether a file begins as a zip archive does.</summary>
    public static bool LooksLikeZip(ReadOnlySpan<byte> start) => start.StartsWith("PK\u0003\u0004"u8) || start.StartsWith("PK\u0005\u0006"u8);

    /// <summary>Whether a file begins with the pickled magic number.</summary>
    public static bool LooksLikeLegacy(ReadOnlySpan<byte> start) => MagicAt(start) >= 0;

    /// <summary>Whether a file begins as a tar archive does.</summary>
    public static bool LooksLikeTar(ReadOnlySpan<byte> start) => start.Length >= 262 && start[257..].StartsWith("ustar"u8);

    /// <summary>
    /// Reads what PyTorch writes since 1.6: a zip archive with a pickle and one record per storage, all in one folder.
    /// </summary>
    public static PyTorchContents ReadZip(FileBytes bytes)
    {
        ZipDirectory directory = ZipDirectory.Read(bytes);
        string folder = directory.Entries.Count == 0 ? "" : directory.Entries[0].Name.Split('/', 2)[0];
        string code = $"{folder}/code/";
        if (directory.Contains($"{folder}/constants.pkl") || directory.Entries.Any(e => e.Name.StartsWith(code, StringComparison.Ordinal)))
        {
            throw new InvalidFileException(
                bytes.Path, "is a TorchScript archive (torch.jit.save), whose network is a program; save the weights alone: torch.save(model.state_dict(), path)");
        }

        if (!directory.Contains($"{folder}/data.pkl"))
        {
            string some = string.Join(", ", directory.Entries.Take(3).Select(e => BoundedText.Quote(e.Name)));
            throw new InvalidFileException(
                bytes.Path, $"is a zip archive that torch.save did not write: it has no data.pkl but {directory.Entries.Count} records ({(some.Length == 0 ? "none" : $"{some}, ...")})");
        }

        RequireLittleEndian(bytes, directory, $"{folder}/byteorder");
        (long start, long length) = directory.Locate($"{folder}/data.pkl");
        var unpickler = new Unpickler(new PickleReader(bytes, start, start + length));
        PickleValue root = unpickler.Load();
        var records = new Dictionary<string, (long Offset, long Length)>(StringComparer.Ordinal);
        foreach (PickleStorage storage in unpickler.Storages)
        {
            if (!records.TryGetValue(storage.Key, out (long Offset, long Length) record))
                records.Add(storage.Key, record = directory.Locate($"{folder}/data/{storage.Key}"));
            if (storage.Total * storage.Type.Size() > record.Length)
            {
                throw new InvalidFileException(
                    bytes.Path, $"storage {BoundedText.Quote(storage.Key)} should have {storage.Total} elements of {storage.Type}, but its record has {record.Length} bytes");
            }
        }

        return new PyTorchContents("PyTorch (zip)", root, records.ToDictionary(r => r.Key, r => r.Value.Offset, StringComparer.Ordinal));
    }

    /// <summary>
    /// Reads what PyTorch wrote from 0.1.10 to 1.5: five pickles (a magic number, a version, sizes of the machine's
    /// types, the object, the keys of its storages), then for each key the number of elements in 8 bytes, and the
    /// elements.
    /// </summary>
    public static PyTorchContents ReadLegacy(FileBytes bytes, ReadOnlySpan<byte> start)
    {
        var reader = new PickleReader(bytes, MagicAt(start) + MagicLength + 1, bytes.Length);
        long position = reader.Position;
        if (new Unpickler(reader).Load() is not PickleInteger { Value: 1001 })
            throw reader.Invalid(position, "has another version of the format than 1001");
        position = reader.Position;
        if (new Unpickler(reader).Load() is not PickleDict machine)
            throw reader.Invalid(position, "does not describe the machine that it comes from");
        if (machine.Find("little_endian") == PickleConstant.False) throw BigEndian(bytes.Path);
        var unpickler = new Unpickler(reader);
        PickleValue root = unpickler.Load();
        position = reader.Position;
        if (new Unpickler(reader).Load() is not PickleList keys)
            throw reader.Invalid(position, "has no list of storages after the object");
        return new PyTorchContents("PyTorch (legacy)", root, LocateStorages(bytes, reader.Position, keys.Items, unpickler.Storages));
    }

    /// <summary>The exception for a file in the other byte order.</summary>
    private static InvalidFileException BigEndian(string path) => new(
        path, "was written on a big-endian machine, whose files are not read; load it in Python there and save it as safetensors");

    private static Dictionary<string, long> LocateStorages(FileBytes bytes, long position, List<PickleValue> keys, IReadOnlyList<PickleStorage> storages)
    {
        var byKey = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        foreach (PickleStorage storage in storages)
        {
            if (!byKey.TryAdd(storage.Key, storage) && byKey[storage.Key] is var first && (first.Type != storage.Type || first.Total != storage.Total))
            {
                throw new InvalidFileException(
                    bytes.Path, $"storage {BoundedText.Quote(storage.Key)} is described as {first.Total} elements of {first.Type} and as {storage.Total} of {storage.Type}");
            }
        }

        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        Span<byte> prefix = stackalloc byte[sizeof(long)];
        foreach (PickleValue item in keys)
        {
            string key = item is PickleText text ? text.Value : item.Kind;
            if (!byKey.TryGetValue(key, out PickleStorage? storage) || offsets.ContainsKey(key))
                throw new InvalidFileException(bytes.Path, $"lists the storage {BoundedText.Quote(key)}, which no tensor has or which was listed before");
            long length = storage.Total * storage.Type.Size();
            if (bytes.Length - position < prefix.Length || bytes.Length - position - prefix.Length < length)
            {
                throw new InvalidFileException(
                    bytes.Path,
                    $"is cut short: storage {BoundedText.Quote(key)} at byte {position} takes {length + prefix.Length} bytes, of {bytes.Length - position} left; "
                    + "fetch or write it again");
            }

            bytes.Read(prefix, position);
            long count = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            if (count != storage.Total)
                throw new InvalidFileException(bytes.Path, $"storage {BoundedText.Quote(key)} at byte {position} has {count} elements, but should have {storage.Total}");
            offsets.Add(key, position + prefix.Length);
            position += prefix.Length + length;
        }

        foreach (string key in byKey.Keys)
        {
            if (!offsets.ContainsKey(key)) throw new InvalidFileException(bytes.Path, $"has no storage {BoundedText.Quote(key)}, though a tensor is in it");
        }

        return offsets;
    }

    private static void RequireLittleEndian(FileBytes bytes, ZipDirectory directory, string name)
    {
        if (!directory.Contains(name)) return;
        (long offset, long length) = directory.Locate(name);
        Span<byte> order = stackalloc byte[(int)Math.Min(length, 16)];
        bytes.Read(order, offset);
        if (order.SequenceEqual("big"u8)) throw BigEndian(bytes.Path);
        if (!order.SequenceEqual("little"u8)) throw new InvalidFileException(bytes.Path, $"its record {BoundedText.Quote(name)} of {length} bytes says neither little nor big");
    }

    /// <summary>
    /// Where the magic number lies in a pickle of it alone, in protocols 2 to 5; negative if there is none.
    /// </summary>
    private static int MagicAt(ReadOnlySpan<byte> start)
    {
        if (start.Length < 2 || start[0] != (byte)PickleOpcode.Proto || start[1] is < 2 or > 5) return -1;
        int at = start.Length > 2 && start[2] == (byte)PickleOpcode.Frame ? 11 : 2;
        if (start.Length < at + 2 + MagicLength + 1 || start[at] != (byte)PickleOpcode.Long1 || start[at + 1] != MagicLength) return -1;
        at += 2;
        return start.Slice(at, MagicLength).SequenceEqual(Magic) && start[at + MagicLength] == (byte)PickleOpcode.Stop ? at : -1;
    }
}
