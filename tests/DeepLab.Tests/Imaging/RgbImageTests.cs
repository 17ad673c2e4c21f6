using System.Buffers.Binary;
using System.IO.Compression;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Imaging;

public sealed class RgbImageTests
{
    public static TheoryData<string> DecodableFiles()
    {
        var files = new TheoryData<string>();
        foreach (string path in Directory.GetFiles(Fixtures.Folder).Order(StringComparer.Ordinal))
        {
            if (Path.GetExtension(path) is ".png" or ".jpg" && File.Exists(Path.ChangeExtension(path, ".rgb")))
                files.Add(Path.GetFileName(path));
        }

        return files;
    }

    [Theory]
    [MemberData(nameof(DecodableFiles))]
    public void Pixels_equal_those_of_libjpeg_turbo_and_the_samples_that_were_put_in(string file)
    {
        RgbImage image = RgbImage.Load(Fixtures.Path(file));
        Assert.Equal(Fixtures.Read(Path.ChangeExtension(file, ".rgb")), image.Pixels);
        Assert.Equal((image.Height, image.Width), RgbImage.ReadSize(Fixtures.Path(file)));
    }

    [Fact]
    public void Every_kind_of_image_has_a_golden_file() => Assert.Equal(9 + 32, DecodableFiles().Count);

    [Theory]
    [InlineData("rgb420.jpg", 37, 45)]
    [InlineData("odd17x3.jpg", 3, 17)]
    [InlineData("tiny1x1.jpg", 1, 1)]
    [InlineData("comment.jpg", 16, 16)] // its size comes after 6000 bytes of comment
    [InlineData("gray1_adam7.png", 11, 13)]
    [InlineData("scene.png", 40, 50)]
    public void Sizes_come_from_the_header(string file, int height, int width) =>
        Assert.Equal((height, width), RgbImage.ReadSize(Fixtures.Path(file)));

    [Fact]
    public void A_Cmyk_Jpeg_is_a_clear_error()
    {
        var error = Assert.Throws<InvalidFileException>(() => RgbImage.Load(Fixtures.Path("cmyk.jpg")));
        Assert.Contains("CMYK", error.Message);
        Assert.Equal(Fixtures.Path("cmyk.jpg"), error.Path);
    }

    [Theory]
    [InlineData("rgb420.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("scene.png")]
    [InlineData("gray8.png")]
    public void A_truncated_file_is_an_error_at_every_length(string file)
    {
        byte[] data = Fixtures.Read(file);
        // The last four bytes of a PNG, the checksum of its empty end chunk, are not needed.
        int needed = file.EndsWith(".png", StringComparison.Ordinal) ? data.Length - 4 : data.Length;
        for (int length = 0; length < needed; length += Math.Max(1, Math.Min(13, data.Length - 20 - length)))
        {
            byte[] part = data[..length];
            var error = Assert.Throws<InvalidFileException>(() => RgbImage.Decode(part, file));
            if (length > 200) Assert.Contains("truncated", error.Message);
        }
    }

    [Fact]
    public void A_Jpeg_whose_pixel_data_stop_early_is_truncated_though_it_has_an_end_marker()
    {
        byte[] data = Fixtures.Read("rgb420.jpg");
        byte[] shorter = [.. data[..(data.Length - 200)], 0xFF, 0xD9];
        var error = Assert.Throws<InvalidFileException>(() => RgbImage.Decode(shorter, "short.jpg"));
        Assert.Contains("truncated JPEG", error.Message);
    }

    [Theory]
    [InlineData(20)] // after the JFIF segment
    [InlineData(-2)] // after the pixels, before the end marker
    public void A_Jpeg_with_bytes_between_its_segments_still_loads(int place)
    {
        byte[] data = Fixtures.Read("rgb444.jpg");
        int at = place < 0 ? data.Length + place : place;
        byte[] longer = [.. data[..at], 1, 2, 3, 4, 5, 6, 7, 8, .. data[at..], 9, 9, 9];
        Assert.Equal(Fixtures.Read("rgb444.rgb"), RgbImage.Decode(longer, "longer.jpg").Pixels);
    }

    [Fact]
    public void A_Jpeg_with_an_unknown_Jfif_version_still_loads()
    {
        byte[] data = Fixtures.Read("rgb444.jpg");
        data[11] = 9;
        Assert.Equal(Fixtures.Read("rgb444.rgb"), RgbImage.Decode(data, "version9.jpg").Pixels);
    }

    [Fact]
    public void A_wrong_checksum_of_the_pixels_is_an_error()
    {
        byte[] data = Fixtures.Read("scene.png");
        data[^13] ^= 1; // the last byte of the last IDAT's checksum
        var error = Assert.Throws<InvalidFileException>(() => RgbImage.Decode(data, "crc.png"));
        Assert.Contains("corrupted PNG", error.Message);
    }

    [Fact]
    public void A_small_file_that_claims_a_huge_image_is_refused_before_anything_is_allocated()
    {
        byte[] png = Fixtures.Read("gray8.png"), jpeg = Fixtures.Read("gray.jpg");
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 12_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 12_000);
        int frame = jpeg.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 12_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 12_000);
        foreach (byte[] data in new[] { png, jpeg })
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            var error = Assert.Throws<InvalidFileException>(() => RgbImage.Decode(data, "bomb"));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 65_536);
            Assert.Contains($"12000×12000 pixels, more than a file of {data.Length} bytes can hold", error.Message);
        }
    }

    [Fact]
    public void An_image_over_the_pixel_limit_is_refused()
    {
        byte[] png = Fixtures.Read("gray8.png");
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 60_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 60_000);
        var error = Assert.Throws<InvalidFileException>(() => RgbImage.Decode(png, "bomb"));
        Assert.Contains("at most 65535 a side and 178956970 in all", error.Message);
    }

    [Fact]
    public void A_small_text_chunk_that_unpacks_to_a_hundred_megabytes_is_refused()
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zlib.Write(new byte[100_000_000]);
        byte[] png = Fixtures.Read("gray8.png");
        byte[] chunk = [0, 0, 0, 0, .. "zTXtkey\0\0"u8, .. packed.ToArray(), 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, chunk.Length - 12);
        byte[] bomb = [.. png[..33], .. chunk, .. png[33..]];
        MutationTests.FixChecksums(bomb);
        var error = Assert.Throws<InvalidFileException>(() => RgbImage.Decode(bomb, "bomb.png"));
        Assert.Contains("chunk/cache limits", error.Message);
    }

    [Fact]
    public void Other_files_are_named_for_what_they_are()
    {
        using var folder = new TemporaryFolder();
        string gif = folder.Write("a.jpg", "GIF89a...."u8.ToArray()), empty = folder.Write("b.png", "");
        Assert.Contains("this is no JPEG or PNG image (it begins with 4749463839612E2E)", Assert.Throws<InvalidFileException>(() => RgbImage.Load(gif)).Message);
        Assert.Contains("the file is empty", Assert.Throws<InvalidFileException>(() => RgbImage.Load(empty)).Message);
        Assert.Contains("the file is empty", Assert.Throws<InvalidFileException>(() => RgbImage.ReadSize(empty)).Message);
        Assert.Equal($"{folder.File("c.png")}: no such file", Assert.Throws<InvalidFileException>(() => RgbImage.Load(folder.File("c.png"))).Message);
    }

    [Fact]
    public void A_Png_comes_back_as_it_was_saved()
    {
        using var folder = new TemporaryFolder();
        var image = new RgbImage(40, 50, Fixtures.Read("scene.rgb"));
        image.Save(folder.File("out.PNG"));
        RgbImage again = RgbImage.Load(folder.File("out.PNG"));
        Assert.Equal((40, 50), (again.Height, again.Width));
        Assert.Equal(image.Pixels, again.Pixels);
    }

    [Fact]
    public void A_Jpeg_comes_back_nearly_as_it_was_saved()
    {
        using var folder = new TemporaryFolder();
        var image = new RgbImage(40, 50, Fixtures.Read("scene.rgb"));
        image.Save(folder.File("out.jpg"));
        RgbImage again = RgbImage.Load(folder.File("out.jpg"));
        Assert.Equal((40, 50), (again.Height, again.Width));
        Assert.InRange(image.Pixels.Zip(again.Pixels, (a, b) => Math.Abs(a - b)).Average(), 0.01, 4);
    }

    [Fact]
    public void An_unknown_extension_is_an_error_that_names_the_known_ones()
    {
        var error = Assert.Throws<DeepLabException>(() => new RgbImage(1, 1).Save("out.bmp"));
        Assert.Equal("out.bmp: cannot write an image as '.bmp'; name it .png, .jpg or .jpeg", error.Message);
    }

    [Fact]
    public void A_missing_native_library_is_an_error_that_names_the_package()
    {
        var error = Assert.Throws<DeepLabException>(() => NativeLibraries.Load("libjpeg-turbo", "apt-get install libturbojpeg0", ["libno-such.so.0"]));
        Assert.Equal("libjpeg-turbo is not installed (looked for libno-such.so.0); install it: apt-get install libturbojpeg0", error.Message);
    }

    [Fact]
    public void Sizes_that_do_not_fit_the_pixels_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new RgbImage(2, 3, new byte[17]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RgbImage(0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RgbImage(40_000, 40_000));
    }
}
