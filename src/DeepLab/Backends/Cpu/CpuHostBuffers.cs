using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>Labels in native memory.</summary>
internal sealed class CpuLabels : LabelBuffer
{
    public CpuLabels(int length)
        : base(length) => Memory.Reserve(length);

    public NativeArray<byte> Memory { get; } = new();

    public override void Dispose() => Memory.Dispose();
}

/// <summary>Scalars in native memory.</summary>
internal sealed class CpuScalars : ScalarBuffer
{
    public CpuScalars(int length)
        : base(length)
    {
        Memory.Reserve(length);
        Values.Clear();
    }

    public NativeArray<double> Memory { get; } = new();

    public Span<double> Values => Memory.Slice(0, Length);

    public override void Dispose() => Memory.Dispose();
}
