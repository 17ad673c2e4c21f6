using System.Buffers.Binary;
using System.Text;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Writes zip archives as PyTorch does: records are stored uncompressed, the data of each at a multiple of 64 bytes so
/// that they can be mapped into memory. zip64 fields are written only where 32 bits are too few. Equal records give
/// equal bytes: no times, nothing of the machine.
/// </summary>
internal sealed class ZipWriter(Stream stream)
{
    private const int Alignment = 64;
    private const ushort PlainVersion = 20, Zip64Version = 45;

    // 1 January 1980, the first day that a zip archive can represent.
    private const ushort Date = (1 << 5) | 1;

    private readonly List<Record> _records = [];
    private readonly byte[] _header = new byte[1 << 10];
    private int _filled;

    private sealed record Record(byte[] Name, long Offset, long Length, uint Crc)
    {
        public bool IsLong => Length >= uint.MaxValue;

        public bool IsFar => Offset >= uint.MaxValue;
    }

    /// <summary>Where the next byte goes, counted from the archive's first.</summary>
    public long Position { get; private set; }

    /// <summary>
    /// Begins a record: the caller then writes <paramref name="length"/> bytes, with that CRC-32, to the stream.
    /// </summary>
    public void Begin(string name, long length, uint crc)
    {
        var record = new Record(Encoding.ASCII.GetBytes(name), Position, length, crc);
        _records.Add(record);
        int fields = record.IsLong ? 20 : 0;
        long data = Position + 30 + record.Name.Length + fields + 4;
        int padding = (int)(-data & (Alignment - 1));

        Put32(0x04034B50);
        PutCommon(record, record.IsLong);
        Put16((ushort)(fields + 4 + padding));
        Put(record.Name);
        if (record.IsLong)
        {
            Put16(1);
            Put16(16);
            Put64(length);
            Put64(length);
        }

        // PyTorch's own field: padding that brings the data to where they should lie.
        Put("FB"u8);
        Put16((ushort)padding);
        _header.AsSpan(_filled, padding).Fill((byte)'Z');
        _filled += padding;
        Flush();
        Position += length;
    }

    /// <summary>Writes the directory, after the last record's bytes.</summary>
    public void Finish()
    {
        long start = Position;
        foreach (Record record in _records)
            PutEntry(record);
        long length = Position - start, end = Position;
        if (start >= uint.MaxValue || length >= uint.MaxValue || _records.Count >= ushort.MaxValue)
            PutZip64End(start, length, end);
        Put32(0x06054B50);
        Put32(0);
        ushort count = (ushort)Math.Min(_records.Count, ushort.MaxValue);
        Put16(count);
        Put16(count);
        Put32((uint)Math.Min(length, uint.MaxValue));
        Put32((uint)Math.Min(start, uint.MaxValue));
        Put16(0);
        Flush();
    }

    private void PutEntry(Record record)
    {
        int large = (record.IsLong ? 16 : 0) + (record.IsFar ? 8 : 0);
        Put32(0x02014B50);
        Put16(Zip64Version);
        PutCommon(record, large > 0);
        Put16((ushort)(large > 0 ? 4 + large : 0));
        Put16(0); // comment
        Put16(0); // disk
        Put16(0); // internal attributes
        Put32(0); // external attributes
        Put32((uint)Math.Min(record.Offset, uint.MaxValue));
        Put(record.Name);
        if (large > 0)
        {
            Put16(1);
            Put16((ushort)large);
            if (record.IsLong) Put64(record.Length);
            if (record.IsLong) Put64(record.Length);
            if (record.IsFar) Put64(record.Offset);
        }

        Flush();
    }

    /// <summary>
    /// What a record's local header and its directory entry have in common: version to length of the name.
    /// </summary>
    private void PutCommon(Record record, bool zip64)
    {
        uint length = record.IsLong ? uint.MaxValue : (uint)record.Length;
        Put16(zip64 ? Zip64Version : PlainVersion);
        Put16(0); // flags
        Put16(0); // stored
        Put16(0); // time
        Put16(Date);
        Put32(record.Crc);
        Put32(length);
        Put32(length);
        Put16((ushort)record.Name.Length);
    }

    private void PutZip64End(long start, long length, long end)
    {
        Put32(0x06064B50);
        Put64(44);
        Put16(Zip64Version);
        Put16(Zip64Version);
        Put32(0);
        Put32(0);
        Put64(_records.Count);
        Put64(_records.Count);
        Put64(length);
        Put64(start);
        Put32(0x07064B50);
        Put32(0);
        Put64(end);
        Put32(1);
    }

    private void Put16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_header.AsSpan(_filled), value);
        _filled += sizeof(ushort);
    }

    private void Put32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_header.AsSpan(_filled), value);
        _filled += sizeof(uint);
    }

    private void Put64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_header.AsSpan(_filled), value);
        _filled += sizeof(long);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_header.AsSpan(_filled));
        _filled += bytes.Length;
    }

    private void Flush()
    {
        stream.Write(_header.AsSpan(0, _filled));
        Position += _filled;
        _filled = 0;
    }
}
