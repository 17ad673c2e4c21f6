using System.Runtime.InteropServices;

namespace DeepLab.Kernels.Cpu;

/// <summary>
/// Asks Linux for pages of 2 MiB: a network's first pass touches hundreds of megabytes for the first time, and each page that the kernel has to bring costs about
/// a microsecond.
/// </summary>
internal static partial class HugePages
{
    private const int PageBytes = 4096, AdviseHugePage = 14;

    private static bool s_isMissing = !OperatingSystem.IsLinux();

    /// <summary>Asks for huge pages; it is a hint, and nothing but speed depends on it.</summary>
    public static unsafe void Advise(void* memory, nuint bytes)
    {
        if (s_isMissing) return;
        nuint start = ((nuint)memory + PageBytes - 1) / PageBytes * PageBytes, end = (nuint)memory + bytes;
        try
        {
            if (end > start) _ = AdviseMemory((void*)start, end - start, AdviseHugePage);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            s_isMissing = true;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int AdviseMemory(void* address, nuint length, int advice);
}
