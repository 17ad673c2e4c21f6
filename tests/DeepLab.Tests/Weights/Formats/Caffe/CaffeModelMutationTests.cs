using DeepLab.Weights;
using DeepLab.Weights.Formats.Caffe;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.Caffe;

/// <summary>
/// Damaged untrusted models: the outcome is an open file whose blobs can all be read, or the documented error, with
/// little memory.
/// </summary>
public sealed class CaffeModelMutationTests
{
    private const int MutationsPerFile = 1000;

    public static TheoryData<string> Files() => ["current", "v1", "double"];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_damaged_file_opens_or_gives_the_documented_error(string name)
    {
        byte[] original = File.ReadAllBytes(CaffeModelFileTests.Golden(name));
        int[] heads = Heads(original);
        Assert.Equal("", Outcome(original));
        int refused = 0;
        for (int i = 0; i < MutationsPerFile; i++)
        {
            byte[] bytes = Mutate(original, heads, new SeededRandom(2024, (ulong)i));
            long before = GC.GetAllocatedBytesForCurrentThread();
            string problem = Outcome(bytes);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
            Assert.InRange(problem.Length, 0, 1000);
            if (problem.Length > 0) refused++;
        }

        // Most bytes are elements, where any value is valid.
        Assert.InRange(refused, MutationsPerFile / 3, MutationsPerFile * 9 / 10);
    }

    [Fact]
    public void A_file_cut_short_anywhere_within_a_layer_is_refused()
    {
        byte[] original = File.ReadAllBytes(CaffeModelFileTests.Golden("double"));
        for (int length = 0; length < original.Length; length++)
            Assert.NotEqual("", Outcome(original[..length]));
    }

    private static string Outcome(byte[] bytes)
    {
        try
        {
            using CaffeModelFile file = CaffeModelFile.Parse(bytes, "name");
            foreach (TensorInfo tensor in file.Tensors)
                CaffeModelFileTests.Read(file, tensor.Name);
            return "";
        }
        catch (InvalidFileException e)
        {
            Assert.DoesNotContain('\n', e.Message);
            return e.Message;
        }
    }

    /// <summary>Where tags of layers, blobs, names and shapes may lie: before the lengths worth damaging.</summary>
    private static int[] Heads(byte[] bytes) =>
        [.. Enumerable.Range(0, bytes.Length - 1).Where(i => bytes[i] is 0xA2 or 0x06 or 0x12 or 0x32 or 0x3A or 0x2A or 0x0A or 0x42 or 0x22)];

    private static byte[] Mutate(byte[] original, int[] heads, SeededRandom random)
    {
        byte[] bytes = [.. original];
        int Somewhere() => random.NextInt32(2) == 0 ? heads[random.NextInt32(heads.Length)] : random.NextInt32(bytes.Length);
        switch (random.NextInt32(6))
        {
            case 0: // flipped bits
                for (int n = 1 + random.NextInt32(8); n > 0; n--)
                    bytes[Somewhere()] ^= (byte)(1 << random.NextInt32(8));
                return bytes;
            case 1: // truncated
                return bytes[..random.NextInt32(bytes.Length)];
            case 2: // an enlarged number, such as a length or a dimension: all bytes but its last have the high bit set
                int at = Math.Min(bytes.Length - 1, Somewhere() + 1);
                byte[] huge = [.. Enumerable.Repeat((byte)0xFF, 1 + random.NextInt32(11)), (byte)random.NextInt32(2)];
                return [.. bytes[..at], .. huge, .. bytes[(at + 1)..]];
            case 3: // one small number replaced by another
                bytes[Math.Min(bytes.Length - 1, Somewhere() + 1)] = (byte)random.NextInt32(256);
                return bytes;
            case 4: // a piece copied elsewhere
                int start = Somewhere(), length = Math.Min(random.NextInt32(60), bytes.Length - start), to = Somewhere();
                return [.. bytes[..to], .. bytes[start..(start + length)], .. bytes[to..]];
            default: // a piece removed
                int from = Somewhere();
                return [.. bytes[..from], .. bytes[Math.Min(bytes.Length, from + 1 + random.NextInt32(20))..]];
        }
    }
}
