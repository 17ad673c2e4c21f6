using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Converts a convolution's weights from [out, in, taps] to [taps · in, out]. Each unit is a range of input channels
/// with all their taps. Several output channels are read side by side, so that each cache line of the target is written
/// whole and each line of the source is read once.
/// </summary>
internal unsafe struct KernelUpload : IParallelBody
{
    public const int UnitChannels = 16;

    private const int SideBySide = 16;

    public float* Source;
    public float* Target;
    public int OutChannels;
    public int InChannels;
    public int Taps;

    public readonly void Run(int unit, int worker)
    {
        int firstIn = unit * UnitChannels, lastIn = Math.Min(InChannels, firstIn + UnitChannels);
        long pitch = (long)InChannels * Taps;
        for (int first = 0; first < OutChannels; first += SideBySide)
        {
            int count = Math.Min(SideBySide, OutChannels - first);
            for (int i = firstIn; i < lastIn; i++)
            {
                for (int tap = 0; tap < Taps; tap++)
                {
                    float* to = Target + ((((long)tap * InChannels) + i) * OutChannels) + first;
                    float* from = Source + (first * pitch) + ((long)i * Taps) + tap;
                    for (int o = 0; o < count; o++) to[o] = from[o * pitch];
                }
            }
        }
    }
}
