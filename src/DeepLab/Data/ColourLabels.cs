namespace DeepLab.Data;

/// <summary>Tells label images that are colours from those that are indices, by the PNG's header alone.</summary>
internal static class ColourLabels
{
    private const int ColourTypeOffset = 25, TrueColour = 2, TrueColourAlpha = 6;
    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Whether the file is a colour PNG; not, if it can't be read.</summary>
    public static bool Are(string path)
    {
        Span<byte> header = stackalloc byte[ColourTypeOffset + 1];
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length) return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }

        return header.StartsWith(Signature) && header[ColourTypeOffset] is TrueColour or TrueColourAlpha;
    }
}
