using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Layers;

public sealed class PrepackedKernelTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_ASPP_notices_that_one_branch_changed(int branch)
    {
        using var backend = new CpuBackend(2);
        using var bench = new LayerBench(backend);
        var aspp = new Aspp(backend, "aspp", 8, 3, [1, 2, 3]);
        foreach (Conv convolution in aspp.Branches) convolution.Weight.CopyFrom(Values(convolution.Weight.Name, convolution.Weight.Length));

        // The second prediction keeps the packed kernels.
        Predict();
        double[] before = Predict();
        Parameter changed = aspp.Branches[branch].Weight;
        changed.CopyFrom(Values("changed", changed.Length));
        double[] after = Predict();

        var fresh = new Aspp(backend, "aspp", 8, 3, [1, 2, 3]);
        for (int i = 0; i < fresh.Branches.Count; i++)
        {
            Parameter weight = fresh.Branches[i].Weight;
            weight.CopyFrom(Values(i == branch ? "changed" : weight.Name, weight.Length));
        }

        aspp = fresh;
        Assert.NotEqual(before, after);
        Assert.Equal(Predict(), after);

        double[] Predict()
        {
            double[] scores = [];
            bench.Execution.Run(new object(), ExecutionMode.Predict, RaggedShape.Map(7, 5, 8), () =>
            {
                Tensor x = bench.Rent(RaggedShape.Map(7, 5, 8), HashUniform.Values("pyramid", "x", 7 * 5 * 8, u => u).Select(v => (double)v).ToArray());
                scores = bench.Read(aspp.Forward(bench.Execution, x));
            });
            return scores;
        }
    }

    private static float[] Values(string name, long length) => HashUniform.Values("pyramid", name, (int)length, u => u);
}
