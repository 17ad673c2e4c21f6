using System.Text;
using DeepLab.IO;
using Google.Protobuf;

namespace DeepLab.Weights.Formats.Caffe;

/// <summary>
/// A field of a protobuf message: where it starts, and where its contents lie in the file. <paramref name="Value"/> is
/// that of a varint.
/// </summary>
internal readonly record struct ProtobufField(int Number, WireFormat.WireType Type, ulong Value, long Start, long Offset, long Length)
{
    /// <summary>Where the next field starts.</summary>
    public long End => Offset + Length;
}

/// <summary>
/// Reads the fields of protobuf messages anywhere in a file, through a small window, so that contents which are skipped
/// are never read. Every field is checked to lie within the message around it, and errors name the byte.
/// </summary>
internal sealed class ProtobufFields
{
    /// <summary>The longest text that is read, in bytes.</summary>
    public const int MaximumTextBytes = 256;

    private const int WindowBytes = 4096;

    // A tag, and a length or a number: varints of at most ten bytes each.
    private const int HeadBytes = 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly FileBytes _bytes;
    private readonly byte[] _window;
    private CodedInputStream _coded = new([]);
    private long _windowStart;
    private int _windowLength;

    public ProtobufFields(FileBytes bytes)
    {
        _bytes = bytes;
        _window = new byte[(int)Math.Min(WindowBytes, bytes.Length)];
    }

    /// <summary>
    /// Reads the field at <paramref name="position"/> of a message that ends at <paramref name="end"/>, after it.
    /// </summary>
    public ProtobufField Read(long position, long end)
    {
        MoveTo(position);
        try
        {
            uint tag = _coded.ReadTag();
            int number = WireFormat.GetTagFieldNumber(tag);
            WireFormat.WireType type = WireFormat.GetTagWireType(tag);
            long offset = _windowStart + _coded.Position;
            ulong value = 0, length;
            switch (type)
            {
                case WireFormat.WireType.Varint:
                    value = _coded.ReadUInt64();
                    length = (ulong)(_windowStart + _coded.Position - offset);
                    break;
                case WireFormat.WireType.LengthDelimited:
                    length = _coded.ReadUInt64();
                    offset = _windowStart + _coded.Position;
                    break;
                case WireFormat.WireType.Fixed32:
                    length = sizeof(uint);
                    break;
                case WireFormat.WireType.Fixed64:
                    length = sizeof(ulong);
                    break;
                default:
                    throw Invalid(position, $"field {number} is of wire type {(int)type}; expected 0, 1, 2 or 5");
            }

            if (offset > end || length > (ulong)(end - offset))
                throw Invalid(position, $"field {number} takes {length} bytes, but {Math.Max(0, end - offset)} are left of {Rest(end)}");
            return new ProtobufField(number, type, value, position, offset, (long)length);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidFileException(_bytes.Path, Describe(position, $"expected a field of a protobuf message within {Rest(end)}"), e);
        }
    }

    /// <summary>
    /// Reads varints that lie one after another from <paramref name="position"/> to <paramref name="end"/>.
    /// </summary>
    public IEnumerable<ulong> ReadVarints(long position, long end)
    {
        while (position < end)
        {
            MoveTo(position);
            ulong value;
            try
            {
                value = _coded.ReadUInt64();
            }
            catch (InvalidProtocolBufferException e)
            {
                throw new InvalidFileException(_bytes.Path, Describe(position, "expected a varint"), e);
            }

            position = _windowStart + _coded.Position;
            if (position > end) throw Invalid(end, "a varint reaches past the end of its field");
            yield return value;
        }
    }

    /// <summary>Reads a field as text; <paramref name="what"/> names it in errors.</summary>
    public string ReadText(ProtobufField field, string what)
    {
        Require(field, WireFormat.WireType.LengthDelimited, what);
        if (field.Length > MaximumTextBytes) throw Invalid(field.Start, $"{what} takes {field.Length} bytes; at most {MaximumTextBytes} are allowed");
        Span<byte> utf8 = stackalloc byte[(int)field.Length];
        _bytes.Read(utf8, field.Offset);
        try
        {
            return s_utf8.GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidFileException(_bytes.Path, Describe(field.Start, $"{what} is no valid UTF-8"), e);
        }
    }

    /// <summary>Refuses a field of another wire type than its number promises.</summary>
    public void Require(ProtobufField field, WireFormat.WireType expected, string what)
    {
        if (field.Type != expected) throw Invalid(field.Start, $"{what} is of wire type {(int)field.Type}; expected {(int)expected}");
    }

    /// <summary>The error for a fault at a byte of the file.</summary>
    public InvalidFileException Invalid(long position, string problem) => new(_bytes.Path, Describe(position, problem));

    private static string Describe(long position, string problem) => $"not a valid Caffe model: at byte {position}: {problem}";

    private string Rest(long end) =>
        end == _bytes.Length ? "the file; if it is a Caffe model, it is cut short: fetch or write it again" : "the message around it";

    /// <summary>
    /// Makes the next read of the stream start at a byte of the file, and leaves it room for a field's head.
    /// </summary>
    private void MoveTo(long position)
    {
        long index = position - _windowStart;
        bool fits = index >= 0 && (index + HeadBytes <= _windowLength || (index < _windowLength && _windowStart + _windowLength == _bytes.Length));
        if (!fits)
        {
            _windowStart = position;
            _windowLength = (int)Math.Min(_window.Length, _bytes.Length - position);
            _bytes.Read(_window.AsSpan(0, _windowLength), position);
            index = 0;
        }

        if (!fits || _coded.Position != index) _coded = new CodedInputStream(_window, (int)index, _windowLength - (int)index);
    }
}
