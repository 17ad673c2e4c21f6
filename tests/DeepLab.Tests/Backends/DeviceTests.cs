using DeepLab.Backends;
using DeepLab.Cpu;
using Xunit;

namespace DeepLab.Tests.Backends;

public sealed class DeviceTests
{
    [Fact]
    public void The_processor_is_listed_first_and_makes_its_backend()
    {
        Assert.Equal(Device.Cpu, Device.All[0]);
        Assert.Contains("cpu", Device.Kinds);
        using Backend backend = Device.Parse("CPU").CreateBackend(new BackendOptions { Threads = 3, InstructionSet = InstructionSet.Portable });
        Assert.Equal(Device.Cpu, backend.Device);
        Assert.StartsWith("cpu, portable vectors of ", backend.Description, StringComparison.Ordinal);
        Assert.EndsWith(", 3 threads", backend.Description, StringComparison.Ordinal);
        Assert.Equal("cpu", Device.Cpu.ToString());
        Assert.StartsWith(InstructionSets.Best.Describe(), Device.Cpu.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "'' names no device")]
    [InlineData("cpu:x", "'cpu:x' names no device")]
    [InlineData("cpu:0:1", "'cpu:0:1' names no device")]
    [InlineData("abacus", "there is no kind of device 'abacus': known are cpu")]
    [InlineData("cpu:1", "there is no device cpu:1: the last is cpu")]
    public void What_is_no_device_is_told(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<DeepLabException>(() => Device.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_provider_makes_its_devices_known_once()
    {
        Device.Register(new Abaci());
        Device.Register(new Abaci());
        Assert.Equal([new Device("abaci"), new Device("abaci", 1)], Device.All.Where(d => d.Kind == "abaci"));
        Assert.Equal("abaci:1", Device.Parse("abaci:1").ToString());
        Assert.Equal("an abacus", Device.Parse("abaci").Description);
        Assert.Throws<NotSupportedException>(() => Device.Parse("abaci:1").CreateBackend());
    }

    private sealed class Abaci : DeviceProvider
    {
        public override string Kind => "abaci";

        public override int Count => 2;

        public override string Describe(int index) => "an abacus";

        public override Backend Create(int index, BackendOptions options) => throw new NotSupportedException();
    }
}
