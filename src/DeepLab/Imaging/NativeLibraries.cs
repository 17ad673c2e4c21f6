using System.Reflection;
using System.Runtime.InteropServices;

namespace DeepLab.Imaging;

/// <summary>
/// Finds the two native libraries that Imaging calls, under the names they have on Linux, macOS and Windows, and
/// turns a missing one into an error that says what to install.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>The import name of libjpeg-turbo's TurboJPEG API.</summary>
    public const string TurboJpeg = "turbojpeg";

    /// <summary>The import name of libspng.</summary>
    public const string Spng = "spng";

    private static readonly Lazy<nint> TurboJpegHandle = new(() => Load(
        "libjpeg-turbo (JPEG images)",
        "apt-get install libturbojpeg0, or brew install jpeg-turbo",
        Candidates("turbojpeg", "jpeg-turbo")));

    private static readonly Lazy<nint> SpngHandle = new(() => Load(
        "libspng (PNG images)",
        "apt-get install libspng0, or brew install libspng",
        Candidates("spng", "libspng")));

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>Makes sure that a library is there before its first function is called.</summary>
    /// <exception cref="DeepLabException">It is not; the message names the package to install.</exception>
    public static void Require(string library) => _ = library == TurboJpeg ? TurboJpegHandle.Value : SpngHandle.Value;

    /// <summary>Loads the first of <paramref name="candidates"/> that the system finds.</summary>
    /// <exception cref="DeepLabException">None was found.</exception>
    internal static nint Load(string what, string install, IReadOnlyList<string> candidates)
    {
        foreach (string candidate in candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out nint handle))
                return handle;
        }

        throw new DeepLabException(
            $"{what} is not installed (looked for {string.Join(", ", candidates)}); install it: {install}");
    }

    private static string[] Candidates(string name, string brewFormula)
    {
        if (OperatingSystem.IsWindows())
            return [$"{name}.dll", $"lib{name}.dll"];
        if (OperatingSystem.IsMacOS())
            return [$"lib{name}.dylib", $"/opt/homebrew/opt/{brewFormula}/lib/lib{name}.dylib", $"/usr/local/opt/{brewFormula}/lib/lib{name}.dylib"];
        return [$"lib{name}.so.0", $"lib{name}.so"];
    }

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? searchPath) => library switch
    {
        TurboJpeg => TurboJpegHandle.Value,
        Spng => SpngHandle.Value,
        _ => 0,
    };
}
