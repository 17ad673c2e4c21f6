using DeepLab.IO;
using DeepLab.Weights.Formats.Caffe;
using DeepLab.Weights.Formats.PyTorch;
using DeepLab.Weights.Formats.SafeTensors;

namespace DeepLab.Weights;

/// <summary>Opens weights files of any format that can be read.</summary>
internal static class TensorFile
{
    /// <summary>How many bytes the format is recognised by.</summary>
    private const int Beginning = CaffeSignature.Bytes;

    /// <summary>Opens a file, whose format is recognised by its content; it stays open until disposed of.</summary>
    /// <exception cref="InvalidFileException">The format is not known, or the file is damaged.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static ITensorFile Open(string path)
    {
        Span<byte> bytes = stackalloc byte[Beginning];
        using (FileBytes file = FileBytes.Open(path))
        {
            if (file.Length < bytes.Length) bytes = bytes[..(int)file.Length];
            file.Read(bytes, 0);
        }

        if (bytes.Length == 0) throw new InvalidFileException(path, "is empty; a weights file was expected (.pth, .safetensors or .caffemodel)");
        if (PyTorchFile.LooksLike(bytes)) return PyTorchFile.Open(path);
        if (CaffeModelFile.LooksLike(bytes)) return CaffeModelFile.Open(path);
        if (SafeTensorsFile.LooksLike(bytes)) return SafeTensorsFile.Open(path);

        // A file that begins like no format may be damaged; its extension says which reader can tell what is wrong with
        // it.
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".safetensors" => SafeTensorsFile.Open(path),
            ".caffemodel" => CaffeModelFile.Open(path),
            _ => throw new InvalidFileException(path, $"is no weights file that is known: it begins with {Hex(bytes)}; .pth, .safetensors and .caffemodel files are"),
        };
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes[..Math.Min(8, bytes.Length)]);
}
