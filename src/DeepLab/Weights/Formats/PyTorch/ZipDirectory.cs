using System.Buffers.Binary;
using System.Text;
using DeepLab.IO;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>A record of a zip archive, as the central directory describes it.</summary>
/// <param name="Name">Its name, with its folders.</param>
/// <param name="HeaderOffset">Where its local header lies in the file.</param>
/// <param name="Length">Its length in bytes, uncompressed.</param>
/// <param name="StoredLength">The bytes it takes in the file.</param>
/// <param name="Method">How it is compressed; 0 for not at all.</param>
/// <param name="Encrypted">Whether it is encrypted.</param>
internal sealed record ZipEntry(string Name, long HeaderOffset, long Length, long StoredLength, int Method, bool Encrypted);

/// <summary>
/// The central directory of a zip archive (PKWARE's APPNOTE 6.3, zip64 included). Tensors are read from anywhere within
/// a record, so what is needed is where a record's bytes lie in the file. System.IO.Compression does not say, and its
/// streams cannot seek; hence this small reader.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054B50, Zip64LocatorSignature = 0x07064B50, Zip64EndSignature = 0x06064B50;
    private const uint EntrySignature = 0x02014B50, LocalSignature = 0x04034B50;
    private const int EndLength = 22, Zip64LocatorLength = 20, Zip64EndLength = 56, EntryLength = 46, LocalLength = 30;

    // A record takes about a hundred bytes of it; the largest networks have about a thousand records.
    private const int MaximumLength = 16 << 20;

    private readonly FileBytes _bytes;
    private readonly List<ZipEntry> _entries = [];
    private readonly Dictionary<string, ZipEntry> _byName = new(StringComparer.Ordinal);

    private ZipDirectory(FileBytes bytes) => _bytes = bytes;

    /// <summary>The records, in the directory's order; no name twice.</summary>
    public IReadOnlyList<ZipEntry> Entries => _entries;

    /// <summary>Reads the directory at an archive's end.</summary>
    /// <exception cref="InvalidFileException">There is none, or it contradicts itself or the file's length.</exception>
    public static ZipDirectory Read(FileBytes bytes)
    {
        var directory = new ZipDirectory(bytes);
        (long offset, long length, ulong count) = directory.FindDirectory();
        if (length > MaximumLength)
            throw directory.Invalid($"its directory takes {length} bytes; at most {MaximumLength} are read");
        var content = new byte[length];
        bytes.Read(content, offset);
        directory.ReadEntries(content, offset);
        if ((ulong)directory._entries.Count != count)
            throw directory.Invalid($"its directory has {directory._entries.Count} records, but its end says {count}");
        return directory;
    }

    /// <summary>Whether there is such a record.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>Where a record's bytes lie in the file, and how many they are.</summary>
    /// <exception cref="InvalidFileException">There is no such record, it is compressed or encrypted, or it does not
    /// lie in the file.</exception>
    public (long Offset, long Length) Locate(string name)
    {
        if (!_byName.TryGetValue(name, out ZipEntry? entry))
            throw Invalid($"it has no record {BoundedText.Quote(name)}");
        if (entry.Method != 0 || entry.Encrypted)
        {
            string how = entry.Encrypted ? "encrypted" : "compressed";
            throw Invalid($"its record {BoundedText.Quote(name)} is {how}; PyTorch stores records as they are: pack the archive without compression or password");
        }

        if (entry.StoredLength != entry.Length)
            throw Invalid($"its record {BoundedText.Quote(name)} is stored in {entry.StoredLength} bytes but has {entry.Length}");
        if (entry.HeaderOffset > _bytes.Length - LocalLength)
            throw Invalid($"its record {BoundedText.Quote(name)} begins at byte {entry.HeaderOffset}, but the file has {_bytes.Length}");
        Span<byte> header = stackalloc byte[LocalLength];
        _bytes.Read(header, entry.HeaderOffset);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature)
            throw Invalid($"there is no header of record {BoundedText.Quote(name)} at byte {entry.HeaderOffset}");

        // The local header repeats the sizes, or leaves them to a descriptor after the data, as PyTorch does; those of
        // the directory are used.
        long offset = entry.HeaderOffset + LocalLength + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (entry.Length > _bytes.Length - offset)
            throw Invalid($"its record {BoundedText.Quote(name)} of {entry.Length} bytes begins at byte {offset}, but the file has {_bytes.Length}");
        return (offset, entry.Length);
    }

    /// <summary>Finds the directory by the mark at the end of the file, which only a comment may follow.</summary>
    private (long Offset, long Length, ulong Count) FindDirectory()
    {
        var tail = new byte[Math.Min(_bytes.Length, EndLength + Zip64LocatorLength + ushort.MaxValue)];
        long tailStart = _bytes.Length - tail.Length;
        _bytes.Read(tail, tailStart);
        for (int at = tail.Length - EndLength; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(at);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature || BinaryPrimitives.ReadUInt16LittleEndian(end[20..]) != end.Length - EndLength)
                continue;
            if (at >= Zip64LocatorLength && BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(at - Zip64LocatorLength)) == Zip64LocatorSignature)
                return FindZip64Directory(BinaryPrimitives.ReadUInt64LittleEndian(tail.AsSpan(at - Zip64LocatorLength + 8)), tailStart + at - Zip64LocatorLength);
            return Checked(
                BinaryPrimitives.ReadUInt32LittleEndian(end[16..]),
                BinaryPrimitives.ReadUInt32LittleEndian(end[12..]),
                BinaryPrimitives.ReadUInt16LittleEndian(end[10..]),
                tailStart + at);
        }

        throw Invalid("it has no directory at its end; the file is cut short: fetch or write it again");
    }

    private (long Offset, long Length, ulong Count) FindZip64Directory(ulong endOffset, long locatorOffset)
    {
        Span<byte> end = stackalloc byte[Zip64EndLength];
        if (locatorOffset < Zip64EndLength || endOffset > (ulong)(locatorOffset - Zip64EndLength))
            throw Invalid($"the zip64 end of its directory should lie at byte {endOffset}, before byte {locatorOffset}");
        _bytes.Read(end, (long)endOffset);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != Zip64EndSignature)
            throw Invalid($"there is no zip64 end of its directory at byte {endOffset}");
        return Checked(
            BinaryPrimitives.ReadUInt64LittleEndian(end[48..]),
            BinaryPrimitives.ReadUInt64LittleEndian(end[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(end[32..]),
            (long)endOffset);
    }

    private (long Offset, long Length, ulong Count) Checked(ulong offset, ulong length, ulong count, long end)
    {
        if (offset > (ulong)end || length > (ulong)end - offset)
            throw Invalid($"its directory of {length} bytes should lie at byte {offset}, before its end mark at byte {end}");
        return ((long)offset, (long)length, count);
    }

    private void ReadEntries(ReadOnlySpan<byte> content, long offset)
    {
        int at = 0;
        while (at < content.Length)
        {
            ReadOnlySpan<byte> rest = content[at..];
            if (rest.Length < EntryLength || BinaryPrimitives.ReadUInt32LittleEndian(rest) != EntrySignature)
                throw Invalid($"its directory has no record at byte {offset + at}");
            int name = BinaryPrimitives.ReadUInt16LittleEndian(rest[28..]), extra = BinaryPrimitives.ReadUInt16LittleEndian(rest[30..]);
            int length = EntryLength + name + extra + BinaryPrimitives.ReadUInt16LittleEndian(rest[32..]);
            if (length > rest.Length)
                throw Invalid($"the directory's record at byte {offset + at} takes {length} bytes, of {rest.Length} left");
            ZipEntry entry = ReadEntry(rest, Encoding.UTF8.GetString(rest.Slice(EntryLength, name)), rest.Slice(EntryLength + name, extra));
            if (!_byName.TryAdd(entry.Name, entry))
                throw Invalid($"its directory has {BoundedText.Quote(entry.Name)} twice");
            _entries.Add(entry);
            at += length;
        }
    }

    private ZipEntry ReadEntry(ReadOnlySpan<byte> entry, string name, ReadOnlySpan<byte> extra)
    {
        ulong stored = BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]);
        ulong length = BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]);
        ulong header = BinaryPrimitives.ReadUInt32LittleEndian(entry[42..]);

        // The zip64 field holds those of the three numbers that are too large for 32 bits, in this order.
        ReadOnlySpan<byte> large = Zip64Field(extra);
        length = Widen(length, name, ref large);
        stored = Widen(stored, name, ref large);
        header = Widen(header, name, ref large);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]);
        return new ZipEntry(name, (long)header, (long)length, (long)stored, BinaryPrimitives.ReadUInt16LittleEndian(entry[10..]), (flags & 1) != 0);
    }

    private ulong Widen(ulong value, string name, ref ReadOnlySpan<byte> large)
    {
        if (value != uint.MaxValue) return value;
        if (large.Length < sizeof(ulong) || (value = BinaryPrimitives.ReadUInt64LittleEndian(large)) > long.MaxValue)
            throw Invalid($"the zip64 field of its record {BoundedText.Quote(name)} lacks a number, or has one over 2^63");
        large = large[sizeof(ulong)..];
        return value;
    }

    private static ReadOnlySpan<byte> Zip64Field(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4) break;
            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == 1) return extra.Slice(4, length);
            extra = extra[(4 + length)..];
        }

        return default;
    }

    private InvalidFileException Invalid(string problem) => new(_bytes.Path, $"not a valid PyTorch archive: {problem}");
}
