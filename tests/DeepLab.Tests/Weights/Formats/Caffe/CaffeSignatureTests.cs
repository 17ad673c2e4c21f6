using System.Text;
using DeepLab.Weights.Formats.Caffe;
using Xunit;
using static DeepLab.Tests.Weights.Formats.Caffe.CaffeBytes;

namespace DeepLab.Tests.Weights.Formats.Caffe;

public sealed class CaffeSignatureTests
{
    [Theory]
    [InlineData("current")]
    [InlineData("v1")]
    [InlineData("double")]
    public void Models_are_recognised_by_16_bytes_and_by_more(string name)
    {
        byte[] bytes = File.ReadAllBytes(CaffeModelFileTests.Golden(name));
        foreach (int length in (int[])[16, 17, 20, 32, 64, 100, bytes.Length])
            Assert.True(CaffeModelFile.LooksLike(bytes.AsSpan(0, Math.Min(length, bytes.Length))), $"{length}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(32)]
    [InlineData(100)]
    [InlineData(256)]
    public void A_name_of_any_length_may_come_first(int length)
    {
        byte[] bytes = [.. Field(1, new string('x', length)), .. Layer("conv1", Blob([1], 1))];
        Assert.True(CaffeModelFile.LooksLike(bytes));
    }

    [Fact]
    public void Inputs_and_settings_may_come_before_the_layers()
    {
        Assert.True(CaffeModelFile.LooksLike([.. Field(1, "my net\n"[..6]), .. Field(3, "data"), .. Field(4, 1), .. Field(4, 321), .. Field(5, 1), .. Field(7, 0), .. Layer("x")]));
        Assert.True(CaffeModelFile.LooksLike([.. Field(8, Field(1, Varints(1, 3))), .. Field(6, Field(1, 1)), .. Layer("x")]));
        Assert.True(CaffeModelFile.LooksLike([.. Field(4, Varints(1, 3, 9, 9)), .. Field(2, Field(4, "x"))]));
        Assert.True(CaffeModelFile.LooksLike(Field(2, Field(1, Message(Field(1, "conv1"), Field(50, new byte[1000])))))); // the first format, for a clear error
        Assert.True(CaffeModelFile.LooksLike(Layer(new string('x', 200))));
    }

    [Theory]
    [InlineData("504B0304140000000800000021000000")] // zip
    [InlineData("80027D7100285805000000636F6E7631")] // pickle
    [InlineData("80028A0A6CFC9C46F9206AA850192E80")] // PyTorch (legacy)
    [InlineData("89504E470D0A1A0A0000000D49484452")] // PNG
    [InlineData("FFD8FFE000104A464946000101000001")] // JPEG
    [InlineData("894844460D0A1A0A0000000000080800")] // HDF5
    [InlineData("080712077079746F7263681A05312E31")] // ONNX
    [InlineData("0A2B0A04646174611205496E7075741A")] // a TensorFlow graph: a node with a name and a type
    [InlineData("0801101518C10220C1022A10000000FF")] // a blob, as Caffe's .binaryproto
    [InlineData("08E807120A612E63616666656D6F6465")] // Caffe's .solverstate
    [InlineData("1F8B0800000000000003ED5D5B8FE3B6")] // gzip
    [InlineData("934E554D505901007600 7B276465736372")] // NumPy
    [InlineData("424D36040000000000003604000028000000")] // BMP
    [InlineData("")]
    [InlineData("0A")]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF")]
    public void Other_formats_are_not(string hex) => Assert.False(CaffeModelFile.LooksLike(Convert.FromHexString(hex.Replace(" ", ""))));

    [Fact]
    public void Safetensors_are_not_whatever_the_length_of_their_header()
    {
        byte[] rest = Encoding.ASCII.GetBytes("""{"Scale.conv1.weight":{"dtype":"F32","shape":[64,3,7,7],"data_offsets":[0,37632]},"(2(8B":{}}""");
        byte[] bytes = [.. new byte[8], .. rest];
        var random = new SeededRandom(5);
        for (int i = 2; i < 100_000; i++)
        {
            long length = i < 70_000 ? i : random.NextInt32(100_000_000);
            BitConverter.TryWriteBytes(bytes, length);
            Assert.False(CaffeModelFile.LooksLike(bytes), $"{length}");
        }
    }

    [Fact]
    public void Text_is_not()
    {
        string[] beginnings = ["name: \"deeplab\"\nlayer {", "layer {\n", "", "\n", "\n\n", "\r\n", "\n\t", "\n\r", "\n\f", "2.5", "(a) ", "\"x\": ", "88 ", "B\n", " \t", "{\"a\": 1}", "<?xml", "é", "\né", "\"\n\n", "\n)\n\"é"];
        foreach (string beginning in beginnings)
        {
            Assert.False(CaffeModelFile.LooksLike(Encoding.UTF8.GetBytes(beginning)), beginning);
            for (char next = ' '; next <= '~'; next++)
            {
                string text = $"{beginning}{next}{new string('x', 11)}\n{next}\"( 28B\n\t\n{new string(next, 300)}\n";
                Assert.False(CaffeModelFile.LooksLike(Encoding.UTF8.GetBytes(text)), text);
                Assert.False(CaffeModelFile.LooksLike(Encoding.UTF8.GetBytes(text)[..16]), text);
            }
        }
    }
}
