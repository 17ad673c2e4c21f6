using System.Text;
using DeepLab.IO;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Reads pickles forward through a small buffer, because the pickle of an old file precedes its tensors and does not
/// say how long it is. Lengths are checked against what is left before memory is allocated.
/// </summary>
internal sealed class PickleReader
{
    // A state dict takes a few hundred bytes per tensor.
    private const int MaximumLength = 64 << 20;
    private const int LongestLine = 512;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly FileBytes _bytes;
    private readonly long _end;
    private readonly bool _limited;
    private byte[] _buffer;
    private long _bufferStart;
    private int _at, _filled;

    /// <summary>Reads from byte <paramref name="start"/> of the file to at most byte <paramref name="end"/>.</summary>
    public PickleReader(FileBytes bytes, long start, long end)
    {
        _bytes = bytes;
        _bufferStart = start;
        _limited = end - start > MaximumLength;
        _end = _limited ? start + MaximumLength : end;
        _buffer = new byte[Math.Min(1 << 14, _end - start)];
    }

    /// <summary>Where the next byte lies in the file.</summary>
    public long Position => _bufferStart + _at;

    public byte ReadByte() => ReadBytes(1)[0];

    /// <summary>The next bytes; the span is valid until the next call.</summary>
    public ReadOnlySpan<byte> ReadBytes(long count)
    {
        if (count > _filled - _at) Fill(count);
        ReadOnlySpan<byte> read = _buffer.AsSpan(_at, (int)count);
        _at += (int)count;
        return read;
    }

    /// <summary>The next bytes as text.</summary>
    public string ReadText(long count)
    {
        long start = Position;
        try
        {
            return StrictUtf8.GetString(ReadBytes(count));
        }
        catch (DecoderFallbackException e)
        {
            throw Invalid(start, "holds a text that is no UTF-8", e);
        }
    }

    /// <summary>The text up to the next end of a line, which is skipped.</summary>
    public string ReadLine()
    {
        long start = Position;
        var line = new List<byte>();
        for (byte b = ReadByte(); b != (byte)'\n'; b = ReadByte())
        {
            if (line.Count == LongestLine) throw Invalid(start, $"holds a name of more than {LongestLine} bytes");
            line.Add(b);
        }

        return Encoding.UTF8.GetString([.. line]);
    }

    /// <summary>The exception for a fault in a pickle at a byte of the file.</summary>
    public InvalidFileException Invalid(long position, string problem, Exception? cause = null) =>
        new(_bytes.Path, $"the pickle that describes its tensors, at byte {position}, {problem}", cause);

    private void Fill(long count)
    {
        long position = Position, left = _end - position;
        if (count > left)
        {
            throw Invalid(position, _limited
                ? $"is longer than {MaximumLength} bytes, which no state dict needs"
                : $"ends: {count} bytes should follow, but {left} are left; the file is damaged or cut short: fetch or write it again");
        }

        if (count > _buffer.Length) _buffer = new byte[count];
        _filled = (int)Math.Min(_buffer.Length, left);
        _bytes.Read(_buffer.AsSpan(0, _filled), position);
        _bufferStart = position;
        _at = 0;
    }
}
