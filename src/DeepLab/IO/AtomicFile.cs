namespace DeepLab.IO;

/// <summary>
/// Writes a file so that a crash leaves the old contents or the new, never half: to a temporary file in the same
/// folder, flushed to disk, then renamed.
/// </summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes <paramref name="path"/> with what <paramref name="write"/> puts in the stream; makes its folder if
    /// needed.
    /// </summary>
    /// <exception cref="DeepLabException">
    /// The file cannot be written; the temporary file is gone and the old contents are untouched.
    /// </exception>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception e)
        {
            TryDelete(temporary);
            if (e is IOException or UnauthorizedAccessException)
                throw new DeepLabException($"{path}: cannot be written: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Writes <paramref name="text"/> to <paramref name="path"/> as UTF-8.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes <paramref name="data"/> to <paramref name="path"/>.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteAllBytes(string path, byte[] data) => Write(path, stream => stream.Write(data));

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that brought us here is the one to report.
        }
    }
}
