using System.Buffers.Binary;
using System.Text;

namespace DeepLab.Tests.Imaging;

/// <summary>A chunk of a PNG file.</summary>
/// <param name="Type">Its type, such as <c>IDAT</c>.</param>
/// <param name="Start">Where it begins in the file: its length, its type, then its content and checksum.</param>
/// <param name="Length">Its content's length in bytes.</param>
internal readonly record struct PngChunk(string Type, int Start, int Length)
{
    /// <summary>Where its content begins.</summary>
    public int Content => Start + 8;

    /// <summary>The chunks of a file, as far as its lengths are valid.</summary>
    public static IEnumerable<PngChunk> Of(byte[] png)
    {
        for (long at = 8; at + 12 <= png.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan((int)at));
            if (at + 12 + length > png.Length) break;
            yield return new PngChunk(Encoding.Latin1.GetString(png, (int)at + 4, 4), (int)at, (int)length);
            at += 12 + length;
        }
    }
}
