using DeepLab.Weights.Caffe;
using DeepLab.Weights.SafeTensors;

namespace DeepLab.Weights;

/// <summary>Opens weights files of any format that can be read.</summary>
public static class TensorFile
{
    /// <summary>How many bytes the format is told by.</summary>
    private const int Beginning = CaffeSignature.Bytes;

    /// <summary>Opens a file, whose format is told by its content; it stays open until disposed of.</summary>
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
        return CaffeModelFile.LooksLike(bytes) ? CaffeModelFile.Open(path) : SafeTensorsFile.Open(path);
    }
}
