using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Imaging;

/// <summary>
/// Damaged untrusted files: the outcome is an image or the documented error, quickly, and with memory limited by
/// the file's size.
/// </summary>
public sealed class MutationTests
{
    private const int MutationsPerFile = 120;

    // Pixels that the limits let a file claim, three bytes each; a PNG of 1 bit per pixel claims the most.
    private const long PngBytesPerByte = ImageLimits.MaxPngExpansion * 8L * 3, JpegBytesPerByte = ImageLimits.MaxJpegPixelsPerByte * 3L;
    private const long SpareBytes = 65_536;

    public static TheoryData<string> Files() =>
    [
        "gray.jpg", "rgb420.jpg", "rgb422.jpg", "rgb444.jpg", "progressive.jpg", "restart.jpg", "odd17x3.jpg", "cmyk.jpg",
        "scene.png", "gray1.png", "gray8.png", "gray16.png", "palette4.png", "palette8_adam7.png", "rgba8_adam7.png", "rgb16.png", "palette_trns.png",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_damaged_file_gives_an_image_or_the_documented_error(string file)
    {
        byte[] original = Fixtures.Read(file);
        bool png = file.EndsWith(".png", StringComparison.Ordinal);
        int failed = 0;
        for (int i = 0; i < MutationsPerFile; i++)
        {
            byte[] data = Mutate(original, new SeededRandom(2024, (ulong)i), png);
            long allowed = SpareBytes + (2 * data.Length * (png ? PngBytesPerByte : JpegBytesPerByte));
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            string problem = Outcome(() => RgbImage.Decode(data, file));
            if (problem.Length > 0) failed++;
            Outcome(() => LabelMap.Decode(data, file));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, allowed);
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), $"mutation {i} of {file} took {Stopwatch.GetElapsedTime(start)}");
        }

        // Damage is detected: a PNG's checksums catch nearly all of it; a JPEG has none.
        Assert.InRange(failed, MutationsPerFile / (png ? 2 : 4), MutationsPerFile);
    }

    [Fact]
    public void There_are_at_least_two_thousand_mutations() => Assert.InRange(Files().Count * MutationsPerFile, 2_000, 10_000);

    private static string Outcome(Action decode)
    {
        try
        {
            decode();
            return "";
        }
        catch (InvalidFileException e)
        {
            Assert.DoesNotContain('\n', e.Message);
            return e.Message;
        }
    }

    private static byte[] Mutate(byte[] original, SeededRandom random, bool png)
    {
        byte[] data = (byte[])original.Clone();
        switch (random.NextInt32(7))
        {
            case 0: // flipped bits
                for (int n = 1 + random.NextInt32(8); n > 0; n--)
                    data[random.NextInt32(data.Length)] ^= (byte)(1 << random.NextInt32(8));
                break;
            case 1: // truncated
                data = data[..random.NextInt32(data.Length)];
                break;
            case 2: // bytes inserted
                int at = random.NextInt32(data.Length);
                byte[] extra = new byte[1 + random.NextInt32(40)];
                foreach (ref byte b in extra.AsSpan())
                    b = (byte)random.NextInt32(256);
                data = [.. data[..at], .. extra, .. data[at..]];
                break;
            case 3: // two blocks swapped
                int length = 1 + random.NextInt32(data.Length / 4);
                int first = random.NextInt32(data.Length - (2 * length) + 1);
                int second = first + length + random.NextInt32(data.Length - first - (2 * length) + 1);
                byte[] block = data[first..(first + length)];
                data.AsSpan(second, length).CopyTo(data.AsSpan(first));
                block.CopyTo(data.AsSpan(second));
                break;
            case 4: // a huge number, such as a length or a size, anywhere
                Huge(data.AsSpan(random.NextInt32(data.Length - 4)), random);
                break;
            case 5: // a huge number where the format has its lengths and sizes
                int[] places = LengthFields(data, png);
                Huge(data.AsSpan(places[random.NextInt32(places.Length)]), random);
                break;
            default: // a run of one value
                int start = random.NextInt32(data.Length);
                data.AsSpan(start, Math.Min(1 + random.NextInt32(60), data.Length - start)).Fill((byte)(random.NextInt32(3) * 127.5));
                break;
        }

        if (png && random.NextInt32(2) == 0) FixChecksums(data); // so that the damage gets past them
        return data;
    }

    private static void Huge(Span<byte> place, SeededRandom random)
    {
        if (random.NextInt32(2) == 0)
            BinaryPrimitives.WriteUInt16BigEndian(place, (ushort)(0xFFFF >> random.NextInt32(8)));
        else
            BinaryPrimitives.WriteUInt32BigEndian(place, 0xFFFF_FFFF >> random.NextInt32(24));
    }

    private static int[] LengthFields(byte[] data, bool png)
    {
        var places = new List<int>();
        if (png)
        {
            places.AddRange([16, 18, 20, 22]); // width and height
            places.AddRange(PngChunk.Of(data).Select(c => c.Start));
        }
        else
        {
            for (int at = 2; at + 8 < data.Length && data[at] == 0xFF; at += 2 + BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(at + 2)))
                places.AddRange([at + 2, at + 4]);
            int frame = Math.Max(data.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]), data.AsSpan().IndexOf([(byte)0xFF, (byte)0xC2]));
            places.AddRange([frame + 5, frame + 7]);
        }

        return [.. places];
    }

    /// <summary>Corrects the checksums of a PNG's chunks, as far as its lengths are valid.</summary>
    internal static void FixChecksums(byte[] data)
    {
        foreach (PngChunk chunk in PngChunk.Of(data))
            BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(chunk.Content + chunk.Length), Crc32.HashToUInt32(data.AsSpan(chunk.Start + 4, chunk.Length + 4)));
    }
}
