using Google.Protobuf;

namespace DeepLab.Weights.Formats.Caffe;

/// <summary>
/// Recognises a NetParameter by its first bytes, since the format has no signature of its own: the fields before the
/// first layer must be those of caffe.proto. Text never matches, because a match needs a byte that does not occur in
/// text: a layer's tag, or the length of a name.
/// </summary>
internal static class CaffeSignature
{
    /// <summary>
    /// How many bytes are enough for every file. 16 are, unless the network's name is longer than that and its length
    /// looks like text.
    /// </summary>
    public const int Bytes = 512;

    private const uint Name = 0x0A, V1Layer = 0x12, Input = 0x1A, InputSide = 0x20, InputSides = 0x22, ForceBackward = 0x28, State = 0x32, DebugInfo = 0x38;
    private const uint InputShape = 0x42, Layer = 0x322;

    public static bool Matches(ReadOnlySpan<byte> firstBytes)
    {
        byte[] bytes = firstBytes[..Math.Min(firstBytes.Length, Bytes)].ToArray();
        var fields = new CodedInputStream(bytes);
        bool likely = false;
        try
        {
            while (!fields.IsAtEnd)
            {
                uint tag = fields.ReadTag();
                ulong value = fields.ReadUInt64();
                if (tag is InputSide or ForceBackward or DebugInfo) continue;
                int start = (int)fields.Position, length = (int)Math.Min(value, (ulong)(bytes.Length - start));
                if (!IsPlausible(tag, value, bytes.AsSpan(start, length), cut: start == bytes.Length)) return false;
                if (tag is Layer or V1Layer) return true;
                likely |= tag == Input || (tag == Name && !IsText(value));
                fields = new CodedInputStream(bytes, start + length, bytes.Length - start - length);
            }

            return likely;
        }
        catch (InvalidProtocolBufferException)
        {
            // The bytes given may end within a field.
            return likely && fields.IsAtEnd;
        }
    }

    /// <summary>Whether a field's contents, as far as they are there, start as Caffe writes them.</summary>
    private static bool IsPlausible(uint tag, ulong length, ReadOnlySpan<byte> content, bool cut)
    {
        int first = content.IsEmpty ? 0 : content[0];
        return tag switch
        {
            Name or Input => length <= ProtobufFields.MaximumTextBytes && content.IndexOfAnyInRange((byte)0, (byte)31) < 0,
            Layer => cut || StartsWithText(content), // its name, type, bottom or top
            V1Layer => cut || StartsWithText(first == 0x0A ? WithoutHead(content) : content), // its bottom, top or name, or a layer of the first format
            InputShape => first is 0x08 or 0x0A, // sides
            InputSides => length > 0,
            State => first is 0x08 or 0x10 or 0x1A, // its phase, level or stage
            _ => false,
        };
    }

    /// <summary>
    /// The contents of the message that a message starts with: what follows a tag of one byte and a length.
    /// </summary>
    private static ReadOnlySpan<byte> WithoutHead(ReadOnlySpan<byte> message)
    {
        int last = message[1..].IndexOfAnyInRange((byte)0, (byte)127);
        return message[(last + 2)..];
    }

    /// <summary>Whether a message starts with one of fields 1 to 4, not empty and without control characters.</summary>
    private static bool StartsWithText(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty || message[0] is not (0x0A or 0x12 or 0x1A or 0x22)) return false;
        if (message.Length < 3) return message.Length == 1 || message[1] > 0;
        int length = message[1];
        return length < 128
            ? length > 0 && message.Slice(2, Math.Min(length, message.Length - 2)).IndexOfAnyInRange((byte)0, (byte)31) < 0
            : message[2] is 1 or 2; // the upper part of a length from 128 to 256
    }

    private static bool IsText(ulong character) => character is (>= 9 and <= 13) or (>= 32 and <= 126);
}
