using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DeepLab.Imaging;

/// <summary>PNG in and out through libspng (spng.h, version 0.7 and later).</summary>
/// <remarks>
/// A wrong checksum in a chunk that the pixels need is an error; other chunks with faults are ignored. Text and
/// color profiles may take no more memory than the file's length and <see cref="SpareChunkBytes"/>.
/// </remarks>
internal static unsafe partial class PngCodec
{
    private const int FormatRgb8 = 4, FormatPng = 256;
    private const int ContextEncoder = 2, EncodeFinalize = 2, IoError = -2, EndOfStream = -1, CrcError = 0, CrcDiscard = 1;
    private const nuint SpareChunkBytes = 4 << 20;

    // spng_errno: the ways in which libspng says that the data ended early.
    private const int TooShort = 62, EndOfFile = 68;

    /// <summary>
    /// Decodes to [height, width, 3]: gray values are repeated and, below 8 bits, spread over 0–255; of 16 bits the
    /// high byte is kept; the palette is looked up; alpha (and tRNS) is dropped, so that a transparent pixel has the
    /// color that is stored for it.
    /// </summary>
    /// <exception cref="InvalidFileException">The file is truncated or corrupted.</exception>
    public static byte[] DecodeRgb(ReadOnlySpan<byte> data, in ImageHeader header, string name) =>
        Decode(data, header, name, FormatRgb8, (long)header.Height * header.Width * 3);

    /// <summary>
    /// Decodes a gray or palette image of at most 8 bits to its samples as they are in the file, a byte each: [height,
    /// width].
    /// </summary>
    /// <inheritdoc cref="DecodeRgb"/>
    public static byte[] DecodeSamples(ReadOnlySpan<byte> data, in ImageHeader header, string name)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.BitsPerPixel, 8);
        int packedRow = ((header.Width * header.BitDepth) + 7) / 8;
        byte[] packed = Decode(data, header, name, FormatPng, (long)header.Height * packedRow);
        return header.BitDepth == 8 ? packed : Unpack(packed, packedRow, header);
    }

    /// <summary>Encodes [height, width, 3] as an RGB file.</summary>
    public static byte[] EncodeRgb(ReadOnlySpan<byte> pixels, int height, int width) =>
        Encode(pixels, new Ihdr((uint)width, (uint)height, PngColor.Rgb), palette: null);

    /// <summary>Encodes [height, width, 4], red, green, blue and alpha, as an RGBA file.</summary>
    public static byte[] EncodeRgba(ReadOnlySpan<byte> pixels, int height, int width) =>
        Encode(pixels, new Ihdr((uint)width, (uint)height, PngColor.Rgba), palette: null);

    /// <summary>Encodes [height, width] as a palette file of 8 bits with all 256 colors.</summary>
    public static byte[] EncodePalette(ReadOnlySpan<byte> labels, int height, int width, Palette palette) =>
        Encode(labels, new Ihdr((uint)width, (uint)height, PngColor.Palette), palette);

    /// <summary>libspng's version, "0.7.3" for instance.</summary>
    public static string? LibraryVersion() => Marshal.PtrToStringUTF8(spng_version_string());

    private static byte[] Decode(ReadOnlySpan<byte> data, in ImageHeader header, string name, int format, long expectedBytes)
    {
        NativeLibraries.Require(NativeLibraries.Spng);
        using SpngHandle decoder = spng_ctx_new(0);
        if (decoder.IsInvalid) throw new DeepLabException("libspng cannot start: it is out of memory");
        fixed (byte* source = data)
        {
            nuint chunkBytes = (nuint)data.Length + SpareChunkBytes;
            Check(spng_set_image_limits(decoder, ImageLimits.MaxSide, ImageLimits.MaxSide), name);
            Check(spng_set_chunk_limits(decoder, chunkBytes, chunkBytes), name);
            Check(spng_set_crc_action(decoder, CrcError, CrcDiscard), name);
            Check(spng_set_png_buffer(decoder, source, (nuint)data.Length), name);
            Check(spng_decoded_image_size(decoder, format, out nuint bytes), name);
            if (bytes != (nuint)expectedBytes)
                throw new InvalidFileException(name, $"corrupted PNG: libspng finds {bytes} bytes of pixels where its header gives {expectedBytes}");

            byte[] pixels = new byte[expectedBytes];
            fixed (byte* target = pixels)
                Check(spng_decode_image(decoder, target, bytes, format, 0), name);

            // Goes through what follows the pixels, so that the checksum of the last pixel chunk is looked at.
            Check(spng_decode_chunks(decoder), name);
            return pixels;
        }
    }

    private static byte[] Unpack(ReadOnlySpan<byte> packed, int packedRow, in ImageHeader header)
    {
        byte[] samples = new byte[header.Height * header.Width];
        int perByte = 8 / header.BitDepth, mask = (1 << header.BitDepth) - 1;
        for (int y = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> source = packed.Slice(y * packedRow, packedRow);
            Span<byte> target = samples.AsSpan(y * header.Width, header.Width);
            for (int x = 0; x < target.Length; x++)
                target[x] = (byte)((source[x / perByte] >> (8 - (header.BitDepth * ((x % perByte) + 1)))) & mask);
        }

        return samples;
    }

    private static byte[] Encode(ReadOnlySpan<byte> pixels, Ihdr ihdr, Palette? palette)
    {
        NativeLibraries.Require(NativeLibraries.Spng);
        using SpngHandle encoder = spng_ctx_new(ContextEncoder);
        if (encoder.IsInvalid) throw new DeepLabException("libspng cannot start: it is out of memory");
        using var written = new MemoryStream();
        GCHandle stream = GCHandle.Alloc(written);
        try
        {
            CheckEncode(spng_set_png_stream(encoder, &WriteToStream, GCHandle.ToIntPtr(stream)), ihdr);
            CheckEncode(spng_set_ihdr(encoder, &ihdr), ihdr);
            if (palette is not null)
            {
                Plte plte;
                plte.Count = 256;
                for (int i = 0; i < 256; i++)
                {
                    (byte r, byte g, byte b) = palette[i];
                    (plte.Entries[4 * i], plte.Entries[(4 * i) + 1], plte.Entries[(4 * i) + 2], plte.Entries[(4 * i) + 3]) = (r, g, b, 255);
                }

                CheckEncode(spng_set_plte(encoder, &plte), ihdr);
            }

            fixed (byte* source = pixels)
                CheckEncode(spng_encode_image(encoder, source, (nuint)pixels.Length, FormatPng, EncodeFinalize), ihdr);
        }
        finally
        {
            stream.Free();
        }

        return written.ToArray();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int WriteToStream(nint context, nint user, void* source, nuint length)
    {
        try
        {
            ((MemoryStream)GCHandle.FromIntPtr(user).Target!).Write(new ReadOnlySpan<byte>(source, checked((int)length)));
            return 0;
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException or OverflowException or NotSupportedException)
        {
            return IoError; // no exception may cross the native frames
        }
    }

    private static void Check(int error, string name)
    {
        if (error == 0) return;
        bool truncated = error is EndOfStream or EndOfFile or TooShort;
        throw new InvalidFileException(name, $"{(truncated ? "truncated" : "corrupted")} PNG: libspng says \"{Message(error)}\"; fetch or export it again");
    }

    private static void CheckEncode(int error, in Ihdr ihdr)
    {
        if (error != 0)
            throw new DeepLabException($"an image of {ihdr.Width}×{ihdr.Height} pixels cannot be written as PNG: libspng says \"{Message(error)}\"");
    }

    private static string Message(int error) => Marshal.PtrToStringUTF8(spng_strerror(error)) ?? $"error {error}";

    [LibraryImport(NativeLibraries.Spng)]
    private static partial SpngHandle spng_ctx_new(int flags);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial void spng_ctx_free(nint context);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_png_buffer(SpngHandle context, byte* data, nuint size);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_png_stream(SpngHandle context, delegate* unmanaged[Cdecl]<nint, nint, void*, nuint, int> write, nint user);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_image_limits(SpngHandle context, uint width, uint height);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_chunk_limits(SpngHandle context, nuint chunkBytes, nuint cacheBytes);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_crc_action(SpngHandle context, int critical, int ancillary);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_decoded_image_size(SpngHandle context, int format, out nuint bytes);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_decode_image(SpngHandle context, byte* target, nuint bytes, int format, int flags);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_decode_chunks(SpngHandle context);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_encode_image(SpngHandle context, byte* source, nuint bytes, int format, int flags);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_ihdr(SpngHandle context, Ihdr* ihdr);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial int spng_set_plte(SpngHandle context, Plte* plte);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial nint spng_strerror(int error);

    [LibraryImport(NativeLibraries.Spng)]
    private static partial nint spng_version_string();

    /// <summary>struct spng_ihdr, for an image of 8 bits that is not interlaced.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Ihdr(uint width, uint height, PngColor color)
    {
        public readonly uint Width = width, Height = height;
        public readonly byte BitDepth = 8, ColorType = (byte)color, Compression = 0, Filter = 0, Interlace = 0;
    }

    /// <summary>struct spng_plte: the number of entries, then red, green, blue, alpha of 256.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Plte
    {
        public uint Count;
        public fixed byte Entries[4 * 256];
    }

    private sealed class SpngHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        public SpngHandle()
            : base(ownsHandle: true)
        {
        }

        protected override bool ReleaseHandle()
        {
            spng_ctx_free(handle);
            return true;
        }
    }
}
