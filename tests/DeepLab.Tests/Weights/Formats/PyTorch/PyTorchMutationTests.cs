using DeepLab.IO;
using DeepLab.Weights;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

public sealed class PyTorchMutationTests
{
    [Theory]
    [InlineData("plain", 1500)]
    [InlineData("plain-legacy", 1500)]
    [InlineData("plain-protocol4", 300)]
    public void Damaged_files_give_the_documented_error_or_load_and_never_take_more_memory_than_their_size_warrants(string name, int mutations)
    {
        byte[] original = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", name + ".pth"));
        (int start, int length) = Pickle(original, $"{name}/data.pkl");
        var random = new SeededRandom(21);
        var target = new float[1 << 12];
        int refused = 0, loaded = 0;
        ReadAll(original, target);
        for (int i = 0; i < mutations; i++)
        {
            byte[] bytes = Mutate(original, start, length, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                ReadAll(bytes, target);
                loaded++;
            }
            catch (InvalidFileException e)
            {
                Assert.StartsWith("name: ", e.Message, StringComparison.Ordinal);
                Assert.InRange(e.Message.Length, 10, 700);
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
        }

        Assert.InRange(refused, mutations / 3, mutations * 9 / 10);
        Assert.InRange(loaded, mutations / 10, mutations * 2 / 3);
    }

    /// <summary>Where the pickle that describes the tensors lies: most damage is worth doing there.</summary>
    private static (int Start, int Length) Pickle(byte[] file, string record)
    {
        if (!PyTorchContents.LooksLikeZip(file)) return (0, Math.Min(file.Length, 2000));
        (long offset, long length) = ZipDirectory.Read(FileBytes.Of(file, "name")).Locate(record);
        return ((int)offset, (int)length);
    }

    private static byte[] Mutate(byte[] original, int start, int length, SeededRandom random)
    {
        byte[] bytes = [.. original];
        int At() => random.NextInt32(4) == 0 ? random.NextInt32(bytes.Length) : start + random.NextInt32(length);
        switch (random.NextInt32(8))
        {
            case 0:
                return bytes[..random.NextInt32(bytes.Length)];
            case 1:
                // An instruction, or a number as large as possible.
                bytes[At()] = "(.RbQtuse)}]hqrjXKJMNcio\u0085"u8[random.NextInt32(24)];
                return bytes;
            case 2:
                int at = At();
                bytes.AsSpan(at, Math.Min(8, bytes.Length - at)).Fill((byte)(random.NextInt32(2) * 255));
                return bytes;
            case 3:
                int from = At(), to = At(), count = Math.Min(random.NextInt32(40), bytes.Length - Math.Max(from, to));
                original.AsSpan(from, count).CopyTo(bytes.AsSpan(to));
                return bytes;
            case 4:
                int place = At();
                return random.NextInt32(2) == 0 ? [.. bytes[..place], .. bytes[Math.Min(bytes.Length, place + 1)..]] : [.. bytes[..place], (byte)random.NextInt32(256), .. bytes[place..]];
            default:
                for (int i = random.NextInt32(4); i >= 0; i--)
                    bytes[At()] ^= (byte)(1 << random.NextInt32(8));
                return bytes;
        }
    }

    private static void ReadAll(byte[] bytes, float[] target)
    {
        using PyTorchFile file = PyTorchFile.Parse(bytes, "name");
        foreach (TensorInfo tensor in file.Tensors)
        {
            Assert.InRange(tensor.Count, 0, 1 << 24);
            if (tensor.Type is TensorType.F32 or TensorType.F64 or TensorType.F16 or TensorType.BF16 && tensor.Count <= target.Length)
                file.ReadSingle(tensor.Name, target.AsSpan(0, (int)tensor.Count));
        }
    }
}
