namespace DeepLab.Tests.Imaging;

/// <summary>The files that Golden/make_imaging.py wrote.</summary>
internal static class Fixtures
{
    public static readonly string Folder = System.IO.Path.Combine(AppContext.BaseDirectory, "Golden", "imaging");

    public static string Path(string file) => System.IO.Path.Combine(Folder, file);

    public static byte[] Read(string file) => File.ReadAllBytes(Path(file));
}

/// <summary>A folder for a single test, deleted afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deeplab-imaging-");

    public string File(string name) => System.IO.Path.Combine(_folder.FullName, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public string Write(string name, byte[] data)
    {
        System.IO.File.WriteAllBytes(File(name), data);
        return File(name);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
