using System.Collections.Concurrent;
using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights;

namespace DeepLab.Tests;

/// <summary>The smallest networks there are, with weights from a name.</summary>
internal static class TinyNetwork
{
    private static readonly ConcurrentDictionary<(int Classes, ulong Seed), Lazy<byte[]>> s_files = new();

    /// <summary>A network whose arrays hold numbers in [-1, 1): good for files, not for predicting.</summary>
    public static DeepLabResNet WithAnyValues(Backend backend, int depth, int classes)
    {
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(depth, classes));
        foreach (StateTensor tensor in network.State)
            tensor.CopyFrom(HashUniform.Values("tiny", tensor.Name, tensor.Length));
        return network;
    }

    /// <summary>A network that predicts each of its classes somewhere.</summary>
    public static DeepLabResNet FromScratch(Backend backend, int classes, ulong seed = 1)
    {
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, classes));
        Initialization.FromScratch(network, seed);
        return network;
    }

    /// <summary>Writes such a network to a file. Those of one kind are made once, since drawing 11 million numbers takes its time.</summary>
    public static void Save(string path, int classes, ulong seed = 1)
    {
        byte[] file = s_files.GetOrAdd((classes, seed), static key => new Lazy<byte[]>(() => Make(key.Classes, key.Seed))).Value;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, file);
    }

    private static byte[] Make(int classes, ulong seed)
    {
        string path = Path.Combine(Path.GetTempPath(), "deeplab-net-" + Path.GetRandomFileName() + ".safetensors");
        using var backend = new CpuBackend(threads: 1);
        try
        {
            NetworkFile.Save(path, FromScratch(backend, classes, seed));
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
