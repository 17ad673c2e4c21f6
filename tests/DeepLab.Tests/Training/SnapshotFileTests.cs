using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Training;

public sealed class SnapshotFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-snapshots-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Numbered_files_of_any_prefix_are_snapshots_in_the_order_of_their_numbers()
    {
        foreach (string name in (string[])["a_100.pth", "a_20.safetensors", "init.pth", "7.pth", "a_1.txt", "a_99999999999999999999999.pth"])
            File.WriteAllText(Path.Combine(_folder, name), "");

        IReadOnlyList<SnapshotFile> found = SnapshotFile.FindNumbered(_folder);

        Assert.Equal([7L, 20, 100], found.Select(s => s.Iteration));
        Assert.Equal("a_20.safetensors", Path.GetFileName(found[1].Path));
        Assert.Throws<DeepLabException>(() => SnapshotFile.FindNumbered(Path.Combine(_folder, "gone")));
    }
}
