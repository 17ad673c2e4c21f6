using DeepLab.Backends;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Backends;

/// <summary>
/// What every device must do, checked against the double-precision oracle on random shapes and options. A device
/// inherits all of it with one line, <c>public sealed class MyConformance() : BackendConformance(…)</c>; the oracle
/// itself is checked against PyTorch by the golden tests and against finite differences.
/// </summary>
/// <param name="create">Creates the backend with the given number of threads, where the device has any.</param>
/// <param name="missing">Why this machine cannot run it; null if it can.</param>
public abstract partial class BackendConformance(Func<int, Backend> create, string? missing)
{
    /// <summary>
    /// How close results must be to the oracle's: the norm of the difference over that of the expected values.
    /// </summary>
    protected virtual double Tolerance => 1e-5;

    /// <summary>The number of random cases of each kind of convolution.</summary>
    protected virtual int ConvolutionCases => 300;

    /// <summary>The number of random cases of each other operation.</summary>
    protected virtual int Cases => 100;

    private Backend Create(int threads = 2)
    {
        Assert.SkipWhen(missing is not null, missing ?? "");
        return create(threads);
    }

    private void Many(ulong seed, Action<RandomCase> check)
    {
        using Backend backend = Create();
        for (int i = 0; i < Cases; i++)
        {
            using var random = new RandomCase(backend, seed, (ulong)i);
            check(random);
        }
    }
}
