using System.Buffers.Binary;
using System.Globalization;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.IO;
using DeepLab.Training.TensorBoard.Schema;
using Google.Protobuf;

namespace DeepLab.Training.TensorBoard;

/// <summary>
/// Writes a TensorBoard event file: TFRecord records (length, masked CRC-32C of the length, data, masked CRC-32C of the
/// data) of <c>Event</c> messages. Each record is written in one piece, so that TensorBoard can follow the file; after
/// a crash at most the last one is truncated, and TensorBoard ignores it.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const string Version = "brain.Event:2";
    private const int HeaderBytes = sizeof(ulong) + sizeof(uint), FooterBytes = sizeof(uint);
    private const int Rgb = 3;

    private readonly AppendedFile _file;
    private readonly TimeProvider _clock;
    private byte[] _record = [];

    private EventFile(AppendedFile file, TimeProvider clock) => (_file, _clock) = (file, clock);

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>
    /// Starts a new file in a folder, <c>events.out.tfevents.SECONDS.deeplab</c> with the seconds since 1970. If that
    /// exists already, <c>.1</c>, <c>.2</c>… is appended, so that nothing is overwritten. TensorBoard reads the files
    /// of a folder in the order of their names, which is the order they were started in.
    /// </summary>
    /// <param name="directory">The folder, created if needed.</param>
    /// <param name="clock">The clock for the time of events; null for the system's.</param>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static EventFile Create(string directory, TimeProvider? clock = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        if (File.Exists(directory)) throw new DeepLabException($"{directory}: is a file, expected a folder for TensorBoard's event files");
        clock ??= TimeProvider.System;
        string name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{clock.GetUtcNow().ToUnixTimeSeconds()}.deeplab");
        var file = new EventFile(OpenNew(System.IO.Path.Combine(directory, name)), clock);
        try
        {
            file.Write(new Event { FileVersion = Version });
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds a point to curves.</summary>
    /// <param name="step">The position on the horizontal axis.</param>
    /// <param name="scalars">
    /// The curves' tags, grouped by what stands before a slash, and their values, stored in single precision.
    /// </param>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public void AddScalars(long step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        var summary = new Summary();
        foreach ((string tag, double value) in scalars) summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Write(new Event { Step = step, Summary = summary });
    }

    /// <summary>Adds an image, as PNG.</summary>
    /// <param name="step">Its position on the slider.</param>
    /// <param name="tag">Its name.</param>
    /// <param name="image">[height, width, 3].</param>
    /// <exception cref="DeepLabException">The file cannot be written, or libspng is not installed.</exception>
    public void AddImage(long step, string tag, RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var content = new Summary.Types.Image
        {
            Height = image.Height,
            Width = image.Width,
            Colorspace = Rgb,
            EncodedImageString = UnsafeByteOperations.UnsafeWrap(PngCodec.EncodeRgb(image.Pixels, image.Height, image.Width)),
        };
        Write(new Event { Step = step, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Image = content } } } });
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static AppendedFile OpenNew(string path)
    {
        for (int other = 0; ; other++)
        {
            string candidate = other == 0 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}.{other}");
            try
            {
                return AppendedFile.Open(candidate, FileMode.CreateNew);
            }
            catch (DeepLabException) when (File.Exists(candidate))
            {
                // Another run started within the same second.
            }
        }
    }

    private void Write(Event content)
    {
        content.WallTime = (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        int length = content.CalculateSize();
        int whole = HeaderBytes + length + FooterBytes;
        if (_record.Length < whole) _record = new byte[whole];
        Span<byte> record = _record.AsSpan(0, whole), lengthField = record[..sizeof(ulong)], data = record.Slice(HeaderBytes, length);
        BinaryPrimitives.WriteUInt64LittleEndian(lengthField, (ulong)length);
        BinaryPrimitives.WriteUInt32LittleEndian(record[sizeof(ulong)..], MaskedCrc32C.Of(lengthField));
        content.WriteTo(data);
        BinaryPrimitives.WriteUInt32LittleEndian(record[(HeaderBytes + length)..], MaskedCrc32C.Of(data));
        _file.Write(record);
    }
}
