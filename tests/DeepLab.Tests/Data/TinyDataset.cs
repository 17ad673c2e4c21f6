using DeepLab.Imaging;

namespace DeepLab.Tests.Data;

/// <summary>A dataset in VOC's layout in a temporary folder, deleted after the test.</summary>
internal sealed class TinyDataset : IDisposable
{
    public TinyDataset()
    {
        foreach (string folder in (string[])["JPEGImages", "SegmentationClass", "ImageSets/Segmentation"])
            Directory.CreateDirectory(Path.Combine(Root, folder));
    }

    public string Root { get; } = Path.Combine(Path.GetTempPath(), "deeplab-data-" + Path.GetRandomFileName());

    public string Images => Path.Combine(Root, "JPEGImages");

    public string Labels => Path.Combine(Root, "SegmentationClass");

    public string ListPath(string split = "train") => Path.Combine(Root, "ImageSets", "Segmentation", split + ".txt");

    public string ImagePath(string id, string extension = ".jpg") => Path.Combine(Images, id + extension);

    public string LabelPath(string id) => Path.Combine(Labels, id + ".png");

    /// <summary>Writes a random image and a label map with the given values, repeated in order.</summary>
    public TinyDataset Add(string id, int height = 6, int width = 8, string extension = ".png", params byte[] values)
    {
        RandomImage(height, width, id.Aggregate(1UL, (hash, c) => (hash * 31) + c)).Save(ImagePath(id, extension));
        AddLabels(id, height, width, values);
        return this;
    }

    public void AddLabels(string id, int height, int width, params byte[] values)
    {
        if (values.Length == 0) values = [0, 1];
        var labels = new LabelMap(height, width);
        for (int i = 0; i < labels.Labels.Length; i++) labels.Labels[i] = values[i % values.Length];
        labels.Save(LabelPath(id), Palette.Voc);
    }

    public TinyDataset List(params string[] lines)
    {
        File.WriteAllText(ListPath(), string.Join('\n', lines) + "\n");
        return this;
    }

    public static RgbImage RandomImage(int height, int width, ulong seed)
    {
        var random = new SeededRandom(seed);
        var image = new RgbImage(height, width);
        for (int i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)random.NextInt32(256);
        return image;
    }

    public static LabelMap RandomLabels(int height, int width, int classes, ulong seed)
    {
        var random = new SeededRandom(seed);
        var labels = new LabelMap(height, width);
        for (int i = 0; i < labels.Labels.Length; i++) labels.Labels[i] = random.NextInt32(5) == 0 ? (byte)255 : (byte)random.NextInt32(classes);
        return labels;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
