using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace DeepLab.Imaging;

/// <summary>A native library that reads and writes images, as it was found on this machine.</summary>
/// <param name="Name">What it is: "libjpeg-turbo" or "libspng".</param>
/// <param name="Path">The file it was loaded from, or null if it was not found (or the system does not tell).</param>
/// <param name="Version">Its version, or null if it does not tell.</param>
/// <param name="Problem">What to install, or null if it was found.</param>
public sealed record CodecLibrary(string Name, string? Path, string? Version, string? Problem)
{
    /// <summary>Looks for the libraries for JPEG and PNG, in this order.</summary>
    public static IReadOnlyList<CodecLibrary> FindAll() =>
        [Find("libjpeg-turbo", NativeLibraries.TurboJpeg, () => null), Find("libspng", NativeLibraries.Spng, PngCodec.LibraryVersion)];

    /// <summary>Makes sure that both are there, before work begins that needs them.</summary>
    /// <exception cref="DeepLabException">One is missing; the message names the package to install.</exception>
    public static void RequireAll()
    {
        NativeLibraries.Require(NativeLibraries.TurboJpeg);
        NativeLibraries.Require(NativeLibraries.Spng);
    }

    private static CodecLibrary Find(string name, string library, Func<string?> version)
    {
        try
        {
            NativeLibraries.Require(library);
            return new CodecLibrary(name, LoadedFrom(library), version(), null);
        }
        catch (DeepLabException e)
        {
            return new CodecLibrary(name, null, null, e.Message);
        }
    }

    private static string? LoadedFrom(string library)
    {
        try
        {
            using var process = Process.GetCurrentProcess();
            return process.Modules.Cast<ProcessModule>()
                .Select(m => m.FileName)
                .FirstOrDefault(file => System.IO.Path.GetFileName(file).Contains(library, StringComparison.OrdinalIgnoreCase));
        }
        catch (Exception e) when (e is Win32Exception or NotSupportedException or InvalidOperationException or ExternalException)
        {
            return null; // It is loaded; only where from is not known.
        }
    }
}
