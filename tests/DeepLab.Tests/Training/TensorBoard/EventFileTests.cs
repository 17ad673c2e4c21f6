using System.Text;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Tests.Data;
using DeepLab.Training;
using DeepLab.Training.TensorBoard;
using Xunit;

namespace DeepLab.Tests.Training.TensorBoard;

public sealed class EventFileTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("deeplab-events-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Checksums_are_those_of_RFC_3720_and_of_TensorFlow()
    {
        Assert.Equal(0x8A9136AAu, MaskedCrc32C.Unmasked(new byte[32]));
        Assert.Equal(0xE3069283u, MaskedCrc32C.Unmasked("123456789"u8));

        // From a file that TensorFlow wrote.
        Assert.Equal(0x5794D08Au, MaskedCrc32C.Of([0x1A, 0x11, .. "CRC test, one two"u8]));
        var random = new SeededRandom(1);
        for (int length = 0; length < 70; length++)
        {
            byte[] bytes = [.. Enumerable.Range(0, length).Select(_ => (byte)random.NextInt32(256))];
            Assert.Equal(EventReader.Crc(bytes), MaskedCrc32C.Unmasked(bytes));
            Assert.Equal(EventReader.MaskedCrc(bytes), MaskedCrc32C.Of(bytes));
        }
    }

    [Fact]
    public void A_file_begins_with_the_bytes_that_TensorFlow_writes()
    {
        // The first record of an event file that TensorFlow wrote on 10 September 2020, 17:39:46.
        byte[] expected =
        [
            0x18, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22,
            0x09, 0, 0, 0x80, 0x38, 0x99, 0xD6, 0xD7, 0x41, 0x1A, 0x0D, .. "brain.Event:2"u8,
            0x12, 0x4B, 0x36, 0xAB,
        ];
        using (EventFile file = EventFile.Create(_root, new FixedClock(1599759586)))
            Assert.Equal(Path.Combine(_root, "events.out.tfevents.1599759586.deeplab"), file.Path);
        Assert.Equal(expected, File.ReadAllBytes(Assert.Single(Directory.GetFiles(_root))));
    }

    [Fact]
    public void Scalars_and_images_are_read_back_while_the_file_is_open()
    {
        var clock = new FixedClock(1700000000.25);
        using EventFile file = EventFile.Create(_root, clock);
        file.AddScalars(1, ("loss/a", 0.1), ("zero", 0), ("nothing", double.NaN));
        file.AddScalars(5_000_000_000, ("loss/a", -1e-30));
        RgbImage image = TinyDataset.RandomImage(5, 300, 3);
        file.AddImage(7, "picture", image);

        List<EventRecord> events = EventReader.Read(file.Path, out int cut);
        Assert.Equal(0, cut);
        Assert.All(events, e => Assert.Equal(1700000000.25, e.WallTime));
        Assert.Equal(["brain.Event:2", null, null, null], events.Select(e => e.FileVersion));
        Assert.Equal([0ul, 1ul, 5_000_000_000ul, 7ul], events.Select(e => e.Step));
        Assert.Equal([new("loss/a", 0.1f, null), new("zero", 0f, null), new("nothing", float.NaN, null)], events[1].Values);
        Assert.Equal([new("loss/a", -1e-30f, null)], events[2].Values);
        EventValue picture = Assert.Single(events[3].Values);
        Assert.Equal(("picture", null), (picture.Tag, picture.Number));
        Assert.Equal((5ul, 300ul, 3ul), (picture.Image!.Height, picture.Image.Width, picture.Image.ColorSpace));
        Assert.Equal(image.Pixels, RgbImage.Decode(picture.Image.Encoded, "picture").Pixels);
    }

    [Fact]
    public void A_file_that_is_truncated_anywhere_loses_only_its_last_record()
    {
        string path;
        long whole;
        using (EventFile file = EventFile.Create(_root))
        {
            path = file.Path;
            file.AddScalars(1, ("a", 1));
            whole = new FileInfo(path).Length;
            file.AddScalars(2, ("a", 2));
        }

        byte[] bytes = File.ReadAllBytes(path);
        for (int length = (int)whole; length < bytes.Length; length++)
        {
            Assert.Equal(2, EventReader.Records(bytes.AsSpan(0, length), out int cut).Count);
            Assert.Equal(length - whole, cut);
        }

        Assert.Equal(3, EventReader.Records(bytes, out _).Count);
    }

    [Fact]
    public void Runs_that_start_within_one_second_have_separate_files()
    {
        var clock = new FixedClock(1700000000);
        string[] paths =
        [
            .. Enumerable.Range(0, 3).Select(n =>
            {
                using EventFile file = EventFile.Create(Path.Combine(_root, "new", "run"), clock);
                file.AddScalars(n, ("n", n));
                return file.Path;
            }),
        ];

        Assert.Equal(
            ["events.out.tfevents.1700000000.deeplab", "events.out.tfevents.1700000000.deeplab.1", "events.out.tfevents.1700000000.deeplab.2"],
            paths.Select(p => Path.GetFileName(p)));
        Assert.Equal(paths.Order(StringComparer.Ordinal), paths);
        Assert.Equal([0ul, 1ul, 2ul], paths.Select(p => EventReader.Read(p)[1].Step));
    }

    [Fact]
    public void A_folder_that_is_a_file_is_reported()
    {
        string path = Path.Combine(_root, "taken");
        File.WriteAllText(path, "");
        Assert.Equal($"{path}: is a file, expected a folder for TensorBoard's event files", Assert.Throws<DeepLabException>(() => EventFile.Create(path)).Message);
        string below = Path.Combine(path, "run");
        Assert.StartsWith($"{below}{Path.DirectorySeparatorChar}events.out.tfevents.", Assert.Throws<DeepLabException>(() => EventFile.Create(below)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_has_the_losses_the_learning_rate_and_the_speed_of_each_iteration_and_the_measures_of_evaluations()
    {
        var panel = TinyDataset.RandomImage(4, 9, 2);
        var report = new EvaluationReport("w", 0.25, 0.5, 0.75, 0, 0, []);
        using var log = new TensorBoardLog(_root);
        log.OnIteration(new TrainingProgress(12, 100, new LossValues([1.5, 1.25, 1.125, 2]), 5, 0.001, 3.5, default, default, default));
        log.OnEvaluation(new ValidationResult(12, report, panel, default));

        List<EventRecord> events = EventReader.Read(log.Path);
        Assert.Equal([0ul, 12ul, 12ul, 12ul], events.Select(e => e.Step));
        Assert.Equal(
            [
                new("loss/scale_1", 1.5f, null), new("loss/scale_075", 1.25f, null), new("loss/scale_05", 1.125f, null), new("loss/fused", 2f, null),
                new("learning_rate", 0.001f, null), new("images_per_second", 3.5f, null),
            ],
            events[1].Values);
        Assert.Equal([new("mean_iou", 0.25f, null), new("pixel_accuracy", 0.75f, null)], events[2].Values);
        EventValue image = Assert.Single(events[3].Values);
        Assert.Equal("photograph_truth_prediction", image.Tag);
        Assert.Equal(panel.Pixels, RgbImage.Decode(image.Image!.Encoded, "panel").Pixels);
    }

    [Fact]
    public void Nothing_in_the_file_tells_about_the_machine()
    {
        string path;
        using (EventFile file = EventFile.Create(_root))
        {
            file.AddScalars(1, ("a", 1));
            path = file.Path;
        }

        string text = Encoding.Latin1.GetString(File.ReadAllBytes(path)) + Path.GetFileName(path);
        Assert.DoesNotContain(Environment.MachineName, text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(_root, text, StringComparison.Ordinal);
    }

    private sealed class FixedClock(double seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }
}
