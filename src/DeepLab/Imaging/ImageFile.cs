namespace DeepLab.Imaging;

/// <summary>Reads image files into memory, or just their headers.</summary>
internal static class ImageFile
{
    /// <summary>The whole file.</summary>
    /// <exception cref="InvalidFileException">
    /// It cannot be read, or is longer than <see cref="ImageLimits.MaxFileBytes"/>.
    /// </exception>
    public static byte[] ReadAll(string path) => Read(path, static (stream, path) =>
    {
        if (stream.Length > ImageLimits.MaxFileBytes)
            throw new InvalidFileException(path, $"the file has {stream.Length} bytes; images of at most {ImageLimits.MaxFileBytes} bytes are read");
        byte[] data = new byte[stream.Length];
        stream.ReadExactly(data);
        return data;
    });

    /// <summary>All of a stream, of which the length need not be known.</summary>
    /// <exception cref="InvalidFileException">
    /// It cannot be read, or is longer than <see cref="ImageLimits.MaxFileBytes"/>.
    /// </exception>
    public static byte[] ReadAll(Stream stream, string name)
    {
        try
        {
            // Memory grows with what has come, not with what is announced.
            using var data = new MemoryStream();
            byte[] chunk = new byte[1 << 16];
            for (int read; (read = stream.Read(chunk)) > 0;)
            {
                if (data.Length + read > ImageLimits.MaxFileBytes)
                    throw new InvalidFileException(name, $"it has more than {ImageLimits.MaxFileBytes} bytes, the most that are read of an image");
                data.Write(chunk, 0, read);
            }

            return data.ToArray();
        }
        catch (IOException e)
        {
            throw new InvalidFileException(name, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The header alone; reads a little of the file, more only if there is much before its size.</summary>
    /// <exception cref="InvalidFileException">It cannot be read, or is no JPEG or PNG.</exception>
    public static ImageHeader ReadHeader(string path) => Read(path, static (stream, path) =>
    {
        for (long wanted = 4096; ; wanted *= 8)
        {
            byte[] start = new byte[Math.Min(Math.Min(wanted, stream.Length), ImageLimits.MaxFileBytes)];
            stream.Position = 0;
            stream.ReadExactly(start);
            bool whole = start.Length < wanted || start.Length == stream.Length;
            if (ImageHeader.TryRead(start, whole, path, out ImageHeader header))
            {
                ImageLimits.Check(path, header, stream.Length);
                return header;
            }
        }
    });

    private static T Read<T>(string path, Func<FileStream, string, T> read)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return read(stream, path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidFileException(path, "no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException) // a pipe has no length
        {
            throw new InvalidFileException(path, $"cannot be read: {e.Message}", e);
        }
    }
}
