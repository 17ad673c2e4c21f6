using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace DeepLab.Tests.Training.TensorBoard;

/// <summary>A value of a summary: a number, or an image.</summary>
internal sealed record EventValue(string Tag, float? Number, EventImage? Image);

/// <summary>An image as stored.</summary>
internal sealed record EventImage(ulong Height, ulong Width, ulong ColorSpace, byte[] Encoded);

/// <summary>An event.</summary>
internal sealed record EventRecord(double WallTime, ulong Step, string? FileVersion, IReadOnlyList<EventValue> Values);

/// <summary>
/// Reads event files from the descriptions of their formats alone: TFRecord framing, CRC-32C bit by bit, protobuf's
/// wire format. It shares no code with the writer; a wrong checksum or an unknown field fails the test.
/// </summary>
internal static class EventReader
{
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;

    /// <summary>All complete records of a file that may still be written to.</summary>
    public static List<EventRecord> Read(string path) => Read(path, out _);

    /// <inheritdoc cref="Read(string)"/>
    public static List<EventRecord> Read(string path, out int cutBytes)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var data = new byte[stream.Length];
        stream.ReadExactly(data);
        return [.. Records(data, out cutBytes).Select(r => Event(r))];
    }

    /// <summary>The data of each complete record.</summary>
    public static List<byte[]> Records(ReadOnlySpan<byte> file, out int cutBytes)
    {
        var records = new List<byte[]>();
        while (file.Length >= 12)
        {
            Assert.Equal(MaskedCrc(file[..8]), BinaryPrimitives.ReadUInt32LittleEndian(file[8..]));
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file);
            if ((ulong)file.Length < 16 + length) break;
            ReadOnlySpan<byte> data = file.Slice(12, (int)length);
            Assert.Equal(MaskedCrc(data), BinaryPrimitives.ReadUInt32LittleEndian(file[(12 + (int)length)..]));
            records.Add(data.ToArray());
            file = file[(16 + (int)length)..];
        }

        cutBytes = file.Length;
        return records;
    }

    /// <summary>CRC-32C, polynomial 1EDC6F41 in bit-reversed form.</summary>
    public static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }

        return crc ^ 0xFFFFFFFF;
    }

    public static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        uint crc = Crc(data);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }

    private static EventRecord Event(byte[] data)
    {
        double time = 0;
        ulong step = 0;
        string? version = null;
        var values = new List<EventValue>();
        foreach ((int field, int wire, ulong number, byte[] bytes) in Fields(data))
        {
            switch (field, wire)
            {
                case (1, Fixed64): time = BitConverter.UInt64BitsToDouble(number); break;
                case (2, Varint): step = number; break;
                case (3, Bytes): version = Encoding.UTF8.GetString(bytes); break;
                case (5, Bytes): values.AddRange(Fields(bytes).Select(f => f is (1, Bytes, _, _) ? Value(f.Bytes) : throw Unknown("Summary", f.Field))); break;
                default: throw Unknown("Event", field);
            }
        }

        return new EventRecord(time, step, version, values);
    }

    private static EventValue Value(byte[] data)
    {
        string tag = "";
        float? scalar = null;
        EventImage? image = null;
        foreach ((int field, int wire, ulong number, byte[] bytes) in Fields(data))
        {
            switch (field, wire)
            {
                case (1, Bytes): tag = Encoding.UTF8.GetString(bytes); break;
                case (2, Fixed32): scalar = BitConverter.UInt32BitsToSingle((uint)number); break;
                case (4, Bytes): image = Image(bytes); break;
                default: throw Unknown("Value", field);
            }
        }

        return new EventValue(tag, scalar, image);
    }

    private static EventImage Image(byte[] data)
    {
        var fields = Fields(data).ToDictionary(f => (f.Field, f.Wire));
        Assert.Equal([(1, Varint), (2, Varint), (3, Varint), (4, Bytes)], fields.Keys.Order());
        return new EventImage(fields[(1, Varint)].Number, fields[(2, Varint)].Number, fields[(3, Varint)].Number, fields[(4, Bytes)].Bytes);
    }

    private static List<(int Field, int Wire, ulong Number, byte[] Bytes)> Fields(byte[] data)
    {
        var fields = new List<(int, int, ulong, byte[])>();
        int at = 0;
        ulong ReadVarint()
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte next = data[at++];
                value |= (ulong)(next & 127) << shift;
                if (next < 128) return value;
            }
        }

        byte[] Take(int count) => data[at..(at += count)];
        while (at < data.Length)
        {
            ulong key = ReadVarint();
            (int field, int wire) = ((int)(key >> 3), (int)(key & 7));
            fields.Add(wire switch
            {
                Varint => (field, wire, ReadVarint(), []),
                Fixed64 => (field, wire, BinaryPrimitives.ReadUInt64LittleEndian(Take(8)), []),
                Bytes => (field, wire, 0, Take((int)ReadVarint())),
                Fixed32 => (field, wire, BinaryPrimitives.ReadUInt32LittleEndian(Take(4)), []),
                _ => throw Unknown("wire type", wire),
            });
        }

        return fields;
    }

    private static InvalidOperationException Unknown(string what, int number) => new($"{what} has an unknown {number}.");
}
