namespace DeepLab.IO;

/// <summary>
/// A file that grows while a run goes on. Each write goes to the system whole and at once: others can follow the file,
/// and a crash cuts at most the last one.
/// </summary>
internal sealed class AppendedFile : IDisposable
{
    private readonly FileStream _stream;

    private AppendedFile(string path, FileStream stream) => (Path, _stream) = (path, stream);

    public string Path { get; }

    /// <summary>Opens the file; makes its folder if needed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">What becomes of a file that is there.</param>
    /// <exception cref="DeepLabException">It cannot be opened.</exception>
    public static AppendedFile Open(string path, FileMode mode)
    {
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
            return new AppendedFile(path, new FileStream(path, mode, FileAccess.Write, FileShare.Read, bufferSize: 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeWritten(path, e);
        }
    }

    /// <exception cref="DeepLabException">The disk is full, for instance.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeWritten(Path, e);
        }
    }

    /// <summary>Writes a line of ASCII and a line feed.</summary>
    /// <exception cref="DeepLabException">The disk is full, for instance.</exception>
    public void WriteLine(string line) => Write(System.Text.Encoding.ASCII.GetBytes(line + "\n"));

    public void Dispose() => _stream.Dispose();

    private static DeepLabException CannotBeWritten(string path, Exception e) => new($"{path}: cannot be written: {e.Message}", e);
}
