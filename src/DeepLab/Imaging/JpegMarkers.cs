using System.Buffers.Binary;

namespace DeepLab.Imaging;

/// <summary>
/// Walks the markers of a JPEG file (ITU-T T.81, annex B) as libjpeg does: bytes between segments, entropy-coded
/// data among them, are skipped up to the next marker.
/// </summary>
internal ref struct JpegMarkers
{
    public const byte EndOfImage = 0xD9, StartOfScan = 0xDA;

    private readonly ReadOnlySpan<byte> _data;
    private int _next = 2;

    /// <param name="data">A JPEG file from its first byte, or a prefix of one.</param>
    public JpegMarkers(ReadOnlySpan<byte> data) => _data = data;

    /// <summary>The marker's second byte.</summary>
    public byte Marker { get; private set; }

    /// <summary>The segment's content, without its length; cut off where the data end.</summary>
    public ReadOnlySpan<byte> Segment { get; private set; }

    /// <summary>Whether the data hold the whole segment.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether this is a frame header (SOF), which gives the image's size.</summary>
    public readonly bool IsFrame => Marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    /// <summary>Whether the file has an end-of-image marker in its place (not in a thumbnail, say).</summary>
    public static bool ReachesEnd(ReadOnlySpan<byte> data)
    {
        var markers = new JpegMarkers(data);
        while (markers.MoveNext())
        {
            if (markers.Marker == EndOfImage) return true;
        }

        return false;
    }

    /// <summary>Goes to the next marker; false where the data end.</summary>
    public bool MoveNext()
    {
        while (_next < _data.Length)
        {
            int found = _data[_next..].IndexOf((byte)0xFF);
            if (found < 0) break;
            _next += found + 1;
            if (_next >= _data.Length) break;
            byte marker = _data[_next];
            // 0xFF00 is a stuffed byte of pixel data; of several 0xFF only the last begins the marker.
            if (marker is 0x00 or 0xFF) continue;
            _next++;
            Marker = marker;
            ReadSegment();
            return true;
        }

        _next = _data.Length;
        return false;
    }

    private void ReadSegment()
    {
        Segment = [];
        IsComplete = true;
        if (Marker is >= 0xD0 and <= EndOfImage or 0x01) return; // these have no content
        int length = _data.Length - _next >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(_data[_next..]) : int.MaxValue;
        IsComplete = length <= _data.Length - _next;
        int end = IsComplete ? _next + Math.Max(length, 2) : _data.Length;
        end = Math.Min(end, _data.Length);
        Segment = _data[Math.Min(_next + 2, end)..end];
        _next = end;
    }
}
