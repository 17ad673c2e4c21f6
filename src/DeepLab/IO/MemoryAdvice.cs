using System.Runtime.InteropServices;

namespace DeepLab.IO;

/// <summary>Tells Linux how memory will be used. These are hints: nothing but speed depends on them.</summary>
internal static unsafe partial class MemoryAdvice
{
    private const int PageBytes = 4096, WillNeed = 3, HugePage = 14;

    private static bool s_isMissing = !OperatingSystem.IsLinux();

    /// <summary>
    /// Asks for pages of 2 MiB: a network's first pass touches hundreds of megabytes for the first time, and each page
    /// that the kernel has to bring costs about a microsecond.
    /// </summary>
    public static void PreferHugePages(void* memory, nuint bytes) => Advise(memory, bytes, HugePage);

    /// <summary>
    /// Asks for what a mapped file holds, so that it comes from the disk in large parts and before it is read.
    /// </summary>
    public static void ReadAhead(void* memory, nuint bytes) => Advise(memory, bytes, WillNeed);

    private static void Advise(void* memory, nuint bytes, int advice)
    {
        if (s_isMissing) return;
        nuint start = ((nuint)memory + PageBytes - 1) / PageBytes * PageBytes, end = (nuint)memory + bytes;
        try
        {
            if (end > start) _ = AdviseMemory((void*)start, end - start, advice);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            s_isMissing = true;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int AdviseMemory(void* address, nuint length, int advice);
}
