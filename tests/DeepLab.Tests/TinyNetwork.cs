using System.Collections.Concurrent;
using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights;

namespace DeepLab.Tests;

/// <summary>The smallest possible networks, with weights generated from a name.</summary>
internal static class TinyNetwork
{
    private static readonly ConcurrentDictionary<(int Classes, ulong Seed), Lazy<float[][]>> s_states = new();
    private static readonly ConcurrentDictionary<(int Classes, ulong Seed), Lazy<byte[]>> s_files = new();

    /// <summary>A network whose arrays hold numbers in [-1, 1): good for files, not for prediction.</summary>
    public static DeepLabResNet WithAnyValues(Backend backend, int depth, int classes)
    {
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(depth, classes));
        foreach (StateTensor tensor in network.State)
            tensor.CopyFrom(HashUniform.Values("tiny", tensor.Name, tensor.Length));
        return network;
    }

    /// <summary>
    /// A network that predicts each of its classes somewhere. Its 11 million weights are generated once per process.
    /// </summary>
    public static DeepLabResNet FromScratch(Backend backend, int classes, ulong seed = 1)
    {
        float[][] state = s_states.GetOrAdd((classes, seed), static key => new Lazy<float[][]>(() => DrawState(key.Classes, key.Seed))).Value;
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, classes));
        foreach ((StateTensor tensor, float[] values) in network.State.Zip(state)) tensor.CopyFrom(values);
        return network;
    }

    /// <summary>Writes such a network to a file, which is generated once per process.</summary>
    public static void Save(string path, int classes, ulong seed = 1)
    {
        byte[] file = s_files.GetOrAdd((classes, seed), static key => new Lazy<byte[]>(() => MakeFile(key.Classes, key.Seed))).Value;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, file);
    }

    private static float[][] DrawState(int classes, ulong seed)
    {
        using var backend = new CpuBackend(threads: 1);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, classes));
        Initialization.FromScratch(network, seed);
        return [.. network.State.Select(t => t.ToArray())];
    }

    private static byte[] MakeFile(int classes, ulong seed)
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
