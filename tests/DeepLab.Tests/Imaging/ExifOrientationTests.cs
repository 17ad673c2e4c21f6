using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Imaging;

public sealed class ExifOrientationTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Golden", "predict");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Every_orientation_is_turned_as_Pillow_turns_it_and_only_on_wish(int orientation)
    {
        string path = Path.Combine(s_folder, $"exif{orientation}.jpg");
        RgbImage upright = RgbImage.LoadUpright(path), stored = RgbImage.Load(path);
        Assert.Equal(orientation >= 5 ? (17, 11) : (11, 17), (upright.Height, upright.Width));
        Assert.Equal(File.ReadAllBytes(Path.Combine(s_folder, $"exif{orientation}.rgb")), upright.Pixels);
        Assert.Equal((11, 17), (stored.Height, stored.Width));
        Assert.Equal(RgbImage.Load(Path.Combine(s_folder, "exif1.jpg")).Pixels, stored.Pixels);
    }

    [Fact]
    public void A_stream_is_read_like_a_file_and_told_by_its_name()
    {
        using var pipe = new MemoryStream(File.ReadAllBytes(Path.Combine(s_folder, "exif6.jpg")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(s_folder, "exif6.rgb")), RgbImage.LoadUpright(pipe, "standard input").Pixels);
        Assert.StartsWith("standard input: the file is empty", Assert.Throws<InvalidFileException>(() => RgbImage.LoadUpright(pipe, "standard input")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_without_usable_exif_stay_as_they_are()
    {
        foreach (string file in (string[])["rgb444.jpg", "comment.jpg", "scene.png"])
            Assert.Equal(RgbImage.Load(Fixtures.Path(file)).Pixels, RgbImage.LoadUpright(Fixtures.Path(file)).Pixels);

        byte[] good = File.ReadAllBytes(Path.Combine(s_folder, "exif6.jpg"));
        int tiff = good.AsSpan().IndexOf("Exif\0\0"u8) + 6, entry = tiff + 8 + 2 + 12;
        Assert.Equal(6, ExifOrientation.Read(good));
        foreach ((int at, byte value) in ((int, byte)[])[
            (tiff, (byte)'X'), // no byte order
            (tiff + 3, 43), // not TIFF
            (tiff + 4, 0xFF), // the directory lies outside
            (entry + 1, 0x13), // another tag
            (entry + 3, 4), // not a 16-bit number
            (entry + 9, 0), // no orientation
            (entry + 9, 9)])
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] = value;
            Assert.Equal(1, ExifOrientation.Read(bad));
        }
    }

    [Fact]
    public void Damaged_exif_gives_an_orientation_and_never_an_exception()
    {
        byte[] original = File.ReadAllBytes(Path.Combine(s_folder, "exif8.jpg"));
        int start = original.AsSpan().IndexOf("Exif\0\0"u8);
        var seen = new HashSet<int>();
        for (int i = 0; i < 4000; i++)
        {
            var random = new SeededRandom(7, (ulong)i);
            byte[] data = (byte[])original.Clone();
            for (int n = 1 + random.NextInt32(6); n > 0; n--) data[start - 4 + random.NextInt32(64)] = (byte)random.NextInt32(256);
            if (random.NextInt32(4) == 0) data = data[..random.NextInt32(data.Length)];
            int orientation = ExifOrientation.Read(data);
            Assert.InRange(orientation, 1, 8);
            seen.Add(orientation);
        }

        Assert.Contains(8, seen);
        Assert.Contains(1, seen);
    }
}
