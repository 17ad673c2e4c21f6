using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class InfoCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-info-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_weights_file_is_described_with_its_tensors_if_asked()
    {
        string path = Path.Combine(_folder, "net.safetensors");
        TinyNetwork.Save(path, 2);
        CliRun run = CliRun.Of("info", path);
        Assert.Equal((0, ""), (run.Status, run.Error));
        foreach (string line in (string[])["depth             18", "classes           2", "parameters        11,213,384", "tensors           108, F32", "format            safetensors", "preprocessing     caffe", "  mean = 104.008 116.669 122.675"])
            Assert.Contains(line, run.Out.Split('\n'));
        Assert.DoesNotContain("\nScale.", run.Out, StringComparison.Ordinal);

        CliRun all = CliRun.Of("info", path, "--tensors");
        Assert.StartsWith(run.Out, all.Out, StringComparison.Ordinal);
        Assert.Matches(@"\nScale\.conv1\.weight +F32   \[64, 3, 7, 7\]\n", all.Out);
        Assert.Equal(108, all.Out.Split('\n').Count(l => l.StartsWith("Scale.", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_a_file_the_machine_is_described()
    {
        CliRun run = CliRun.Of("info");
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.Contains($".NET              {Environment.Version}, ", run.Out, StringComparison.Ordinal);
        Assert.Contains($"threads           {Environment.ProcessorCount} ", run.Out, StringComparison.Ordinal);
        Assert.Contains(InstructionSets.Best switch { InstructionSet.Avx512 => "AVX-512, 16", InstructionSet.Avx2 => "AVX2 with", _ => "portable vectors" }, run.Out, StringComparison.Ordinal);
        Assert.Matches(@"\nlibjpeg-turbo     \S", run.Out);
        Assert.Matches(@"\nlibspng           \d+\.\d+", run.Out);
    }

    [Fact]
    public void What_is_no_network_is_an_error()
    {
        string path = Path.Combine(_folder, "text");
        File.WriteAllText(path, "something else altogether");
        CliRun run = CliRun.Of("info", path);
        Assert.Equal((1, ""), (run.Status, run.Out));
        Assert.StartsWith($"deeplab: {path}: is no weights file that is known: it begins with 736F6D657468696E; ", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, CliRun.Of("info", "--tensors").Status);
        Assert.Equal(1, CliRun.Of("info", _folder).Status);
    }
}
