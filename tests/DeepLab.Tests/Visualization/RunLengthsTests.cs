using System.Text;
using System.Text.Json.Nodes;
using DeepLab.Imaging;
using DeepLab.Reports;
using DeepLab.Tests.Data;
using DeepLab.Visualization;
using Xunit;

namespace DeepLab.Tests.Visualization;

public sealed class RunLengthsTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Golden", "predict");

    private static readonly JsonArray s_golden = JsonNode.Parse(File.ReadAllText(Path.Combine(s_folder, "coco.json")))!.AsArray();

    [Fact]
    public void Masks_are_those_of_COCOs_format()
    {
        IReadOnlyList<RunLengths> masks = RunLengths.Of(LabelMap.Load(Path.Combine(s_folder, "coco-labels.png")));
        JsonNode[] expected = [.. s_golden.Where(e => e!["label"] is not null)!];
        Assert.Equal(expected.Length, masks.Count);
        foreach ((RunLengths mask, JsonNode golden) in masks.Zip(expected))
        {
            Assert.Equal(((int)golden["label"]!, (long)golden["area"]!), (mask.Label, mask.Area));
            int[] box = [mask.Left, mask.Top, mask.Width, mask.Height];
            Assert.Equal(Numbers(golden["bbox"]!), box);
            Assert.Equal(Numbers(golden["counts"]!), mask.Counts);
            Assert.Equal((string?)golden["compressed"], mask.Compressed());
        }
    }

    [Fact]
    public void What_pycocotools_compressed_comes_out_the_same()
    {
        JsonNode golden = Assert.Single(s_golden, e => e!["label"] is null)!;
        Assert.Equal(3500, Numbers(golden["counts"]!).Sum());
        Assert.Equal((string?)golden["compressed"], Compressed(Numbers(golden["counts"]!)));
        Assert.Equal(@"PP\9", Compressed([480 * 640])); // an empty mask of that size
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 90, 3)]
    [InlineData(90, 1, 3)]
    [InlineData(37, 130, 2)]
    [InlineData(65, 64, 255)]
    public void Decoding_the_masks_gives_the_labels_back(int height, int width, int classes)
    {
        LabelMap labels = TinyDataset.RandomLabels(height, width, classes, 8);
        byte[] decoded = new byte[height * width];
        long area = 0;
        foreach (RunLengths mask in RunLengths.Of(labels))
        {
            area += mask.Area;
            int place = 0;
            for (int i = 0; i < mask.Counts.Count; i++)
            {
                Assert.True(mask.Counts[i] > 0 || i == 0);
                for (int n = 0; n < mask.Counts[i]; n++, place++)
                {
                    if (i % 2 == 1) decoded[((place % height) * width) + (place / height)] = mask.Label;
                }
            }

            Assert.Equal(height * width, place);
        }

        Assert.Equal(height * width, area);
        Assert.Equal(labels.Labels, decoded);
    }

    [Fact]
    public void The_file_is_a_COCO_dataset_of_one_image()
    {
        var labels = new LabelMap(2, 3, [0, 1, 1, 0, 1, 255]);
        JsonNode json = JsonNode.Parse(MaskJson.Encode(labels, "a\"b.jpg", ["sky", "straße"], compressed: false))!;
        Assert.Equal("""[{"id":1,"file_name":"a\u0022b.jpg","width":3,"height":2}]""", json["images"]!.ToJsonString());
        Assert.Equal(["sky", "straße"], json["categories"]!.AsArray().Select(c => (string)c!["name"]!));
        Assert.Equal(
            """[{"id":1,"image_id":1,"category_id":0,"category_name":"sky","area":2,"bbox":[0,0,1,2],"iscrowd":0,"segmentation":{"size":[2,3],"counts":[0,2,4]}},"""
            + """{"id":2,"image_id":1,"category_id":1,"category_name":"stra\u00DFe","area":3,"bbox":[1,0,2,2],"iscrowd":0,"segmentation":{"size":[2,3],"counts":[2,3,1]}}]""",
            json["annotations"]!.ToJsonString());

        string text = Encoding.UTF8.GetString(MaskJson.Encode(labels, "x", ["sky", "straße"], compressed: true));
        Assert.Contains("\"counts\":\"231\"", text, StringComparison.Ordinal);
        Assert.Contains("straße", text, StringComparison.Ordinal);
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
    }

    private static string Compressed(int[] counts) => new RunLengths(0, 0, 0, 0, 0, 0, counts).Compressed();

    private static int[] Numbers(JsonNode array) => [.. array.AsArray().Select(n => (int)n!)];
}
