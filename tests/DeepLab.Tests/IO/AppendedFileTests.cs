using DeepLab.IO;
using Xunit;

namespace DeepLab.Tests.IO;

public sealed class AppendedFileTests
{
    [Fact]
    public void What_is_written_can_be_read_at_once()
    {
        string path = Path.Combine(Path.GetTempPath(), "deeplab-appended-" + Path.GetRandomFileName(), "a", "log.csv");
        try
        {
            using AppendedFile file = AppendedFile.Open(path, FileMode.CreateNew);
            file.WriteLine("one");
            Assert.Equal("one\n", Read());
            file.WriteLine("two");
            Assert.Equal("one\ntwo\n", Read());
            Assert.StartsWith($"{path}: cannot be written: ", Assert.Throws<DeepLabException>(() => AppendedFile.Open(path, FileMode.CreateNew)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(Path.GetDirectoryName(path))!, recursive: true);
        }

        string Read()
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return reader.ReadToEnd();
        }
    }

    [Fact]
    public void A_full_disk_is_told_with_the_name_of_the_file()
    {
        const string full = "/dev/full";
        Assert.SkipUnless(File.Exists(full), "only Linux has a device that is always full");
        using AppendedFile file = AppendedFile.Open(full, FileMode.Open);
        string message = Assert.Throws<DeepLabException>(() => file.WriteLine("one")).Message;
        Assert.StartsWith("/dev/full: cannot be written: No space left on device", message, StringComparison.Ordinal);
    }
}
