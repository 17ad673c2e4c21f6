using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;

namespace DeepLab.Tests.Weights.Formats.Caffe;

/// <summary>
/// Writes protobuf messages, and Caffe's with the field numbers of its public caffe.proto, one field at a time, as
/// malformed as a test needs.
/// </summary>
internal static class CaffeBytes
{
    public static byte[] Message(params byte[][] fields) => [.. fields.SelectMany(f => f)];

    /// <summary>A field of bytes: a message, or packed numbers.</summary>
    public static byte[] Field(int number, byte[] contents) =>
        Write(WireFormat.WireType.LengthDelimited, number, output => output.WriteBytes(UnsafeByteOperations.UnsafeWrap(contents)));

    public static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    public static byte[] Field(int number, long value) => Write(WireFormat.WireType.Varint, number, output => output.WriteInt64(value));

    public static byte[] Field(int number, float value) => Write(WireFormat.WireType.Fixed32, number, output => output.WriteFloat(value));

    /// <summary>A field that claims a length and ends before its contents.</summary>
    public static byte[] Head(int number, ulong length) => Write(WireFormat.WireType.LengthDelimited, number, output => output.WriteUInt64(length));

    public static byte[] Floats(params float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    public static byte[] Shape(params long[] sides) => Field(7, Field(1, Varints(sides)));

    public static byte[] Varints(params long[] values)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            foreach (long value in values) output.WriteInt64(value);
        }

        return stream.ToArray();
    }

    /// <summary>A BlobProto: elements, then the shape, in field number order.</summary>
    public static byte[] Blob(long[] shape, params float[] values) => Message(Field(5, Floats(values)), Shape(shape));

    /// <summary>A field of the NetParameter: a LayerParameter.</summary>
    public static byte[] Layer(string name, params byte[][] blobs) => Field(100, Message([Field(1, name), Field(2, "Any"), .. blobs.Select(b => Field(7, b))]));

    private static byte[] Write(WireFormat.WireType type, int number, Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(number, type);
            write(output);
        }

        return stream.ToArray();
    }
}
