using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DeepLab.Imaging;

/// <summary>
/// JPEG in and out through libjpeg-turbo's TurboJPEG API (turbojpeg.h, version 2.0 and later), with its default
/// accurate DCT and smooth upsampling, so that pixels equal those of every program that uses libjpeg-turbo.
/// </summary>
/// <remarks>
/// libjpeg-turbo carries on after damage, fills in gray and leaves a warning. Such an image is refused here: its
/// pixels would be trained on. It still loads after the warnings that leave the pixels whole (bytes between
/// segments, an unknown JFIF or Adobe version, a bad color profile, odd scan parameters). The library keeps the
/// first warning alone, so that a file without an end-of-image marker is refused as truncated whatever it says.
/// </remarks>
internal static unsafe partial class JpegCodec
{
    private const int PixelFormatRgb = 0, Subsampling444 = 0, FlagLimitScans = 32768, ErrorCodeWarning = 0;

    private static readonly string[] HarmlessWarnings =
        ["extraneous bytes before marker", "unknown JFIF revision", "Unknown Adobe color transform", "bad ICC marker", "Invalid SOS parameters"];

    /// <summary>Decodes a JPEG file; its header has been read and checked.</summary>
    /// <returns>[height, width, 3].</returns>
    /// <exception cref="InvalidFileException">It is truncated, corrupted or of a kind that is not read.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> data, in ImageHeader header, string name)
    {
        if (header.Channels == 4)
            throw new InvalidFileException(name, "a CMYK (print) JPEG; only gray and RGB images are read: convert it, for instance with `convert in.jpg -colorspace sRGB out.jpg`");
        if (!JpegMarkers.ReachesEnd(data))
            throw new InvalidFileException(name, $"truncated JPEG: the file's {data.Length} bytes end without an end-of-image marker; fetch or export it again");

        NativeLibraries.Require(NativeLibraries.TurboJpeg);
        using TurboJpegHandle decoder = tjInitDecompress();
        if (decoder.IsInvalid) throw new DeepLabException("libjpeg-turbo cannot start: it is out of memory");
        fixed (byte* source = data)
        {
            // The subsampling may be one that TurboJPEG has no name for; decoding works all the same.
            _ = tjDecompressHeader3(decoder, source, (nuint)data.Length, out int width, out int height, out _, out _);
            if (width != header.Width || height != header.Height)
                throw Corrupted(decoder, name);

            byte[] pixels = new byte[height * width * 3];
            fixed (byte* target = pixels)
            {
                if (tjDecompress2(decoder, source, (nuint)data.Length, target, width, width * 3, height, PixelFormatRgb, FlagLimitScans) != 0
                    && !IsHarmless(decoder))
                {
                    throw Corrupted(decoder, name);
                }
            }

            return pixels;
        }
    }

    /// <summary>Encodes [height, width, 3] as a JPEG file with full-resolution color (4:4:4).</summary>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int height, int width, int quality)
    {
        NativeLibraries.Require(NativeLibraries.TurboJpeg);
        ArgumentOutOfRangeException.ThrowIfNotEqual(pixels.Length, height * width * 3);
        using TurboJpegHandle encoder = tjInitCompress();
        if (encoder.IsInvalid) throw new DeepLabException("libjpeg-turbo cannot start: it is out of memory");
        byte* jpeg = null;
        try
        {
            nuint size = 0;
            fixed (byte* source = pixels)
            {
                if (tjCompress2(encoder, source, width, width * 3, height, PixelFormatRgb, &jpeg, &size, Subsampling444, quality, 0) != 0)
                    throw new DeepLabException($"an image of {width}×{height} pixels cannot be written as JPEG: {LastMessage(encoder)}");
            }

            return new ReadOnlySpan<byte>(jpeg, checked((int)size)).ToArray();
        }
        finally
        {
            tjFree(jpeg);
        }
    }

    private static bool IsHarmless(TurboJpegHandle decoder)
    {
        string message = LastMessage(decoder);
        return tjGetErrorCode(decoder) == ErrorCodeWarning
            && HarmlessWarnings.Any(warning => message.Contains(warning, StringComparison.Ordinal));
    }

    private static InvalidFileException Corrupted(TurboJpegHandle decoder, string name)
    {
        string message = LastMessage(decoder);
        bool truncated = message.Contains("remature end", StringComparison.Ordinal);
        return new InvalidFileException(name, $"{(truncated ? "truncated" : "corrupted")} JPEG: libjpeg-turbo says \"{message}\"; fetch or export it again");
    }

    private static string LastMessage(TurboJpegHandle handle) => Marshal.PtrToStringUTF8(tjGetErrorStr2(handle)) ?? "unknown error";

    // `unsigned long` is 32 bits wide on Windows and 64 elsewhere. nuint serves both: a value is passed in a register
    // (or on the stack) of its own, and the one that comes back is set to 0 first and written from its low end.
    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial TurboJpegHandle tjInitDecompress();

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial TurboJpegHandle tjInitCompress();

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial int tjDecompressHeader3(TurboJpegHandle handle, byte* jpeg, nuint size, out int width, out int height, out int subsampling, out int colorspace);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial int tjDecompress2(TurboJpegHandle handle, byte* jpeg, nuint size, byte* target, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial int tjCompress2(TurboJpegHandle handle, byte* source, int width, int pitch, int height, int pixelFormat, byte** jpeg, nuint* size, int subsampling, int quality, int flags);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial nint tjGetErrorStr2(TurboJpegHandle handle);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial int tjGetErrorCode(TurboJpegHandle handle);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial void tjFree(byte* buffer);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    private static partial int tjDestroy(nint handle);

    private sealed class TurboJpegHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        public TurboJpegHandle()
            : base(ownsHandle: true)
        {
        }

        protected override bool ReleaseHandle() => tjDestroy(handle) == 0;
    }
}
