using System.CommandLine;
using System.CommandLine.Parsing;
using DeepLab.Backends;
using DeepLab.Cpu;
using DeepLab.Inference;

namespace DeepLab.Cli;

/// <summary>The options that choose where and how a command computes.</summary>
internal sealed class RuntimeArguments
{
    private const string Auto = "auto";

    private readonly Option<string> _device;
    private readonly Option<int?> _gpu;
    private readonly Option<int> _threads;
    private readonly Option<bool> _exact;
    private readonly Option<string> _instructionSet;

    /// <summary>Adds the options to a command.</summary>
    public RuntimeArguments(CliCommand command)
    {
        _device = command.AddOptionWithDefault("--device", $"where to compute: {string.Join(", ", Device.Kinds)}", Device.Cpu.ToString());
        _device.HelpName = "DEVICE";
        command.Require(_device, text => Device.Kinds.Contains(text.Split(':')[0].ToLowerInvariant()), string.Join(" or ", Device.Kinds));
        _threads = AddThreads(command);
        _exact = command.AddOptionWithDefault(
            "--exact-convolutions", "sum 3×3 convolutions tap by tap instead of using Winograd's minimal filtering: slower, with less rounding error", false);
        _instructionSet = command.AddOptionWithDefault(
            "--instruction-set", "the CPU's vector instructions: auto picks the widest; sets round differently, so name one to get the same bits on another processor", Auto);
        _instructionSet.HelpName = "auto|avx512|avx2|portable";
        _instructionSet.AcceptOnlyFromAmong([Auto, .. InstructionSetNames.Keys]);
        _gpu = command.AddOption<int?>("--gpu0", "accepted for compatibility with the seed and ignored");
        _gpu.Hidden = true;
    }

    /// <summary>The instruction sets as <c>--instruction-set</c> names them.</summary>
    public static IReadOnlyDictionary<string, InstructionSet> InstructionSetNames { get; } = new Dictionary<string, InstructionSet>
    {
        ["avx512"] = InstructionSet.Avx512,
        ["avx2"] = InstructionSet.Avx2,
        ["portable"] = InstructionSet.Portable,
    };

    /// <summary>The number of compute threads, 0 for one per processor.</summary>
    public int Threads(ParseResult parse) => parse.GetValue(_threads);

    /// <summary>Starts the backend, which the caller disposes.</summary>
    /// <exception cref="DeepLabException">There is no such device, or it lacks the instruction set.</exception>
    public Backend CreateBackend(ParseResult parse, CliConsole console)
    {
        if (parse.GetValue(_gpu) is int) console.Note("note: --gpu0 is ignored; use --device to choose where to compute");
        return Device.Parse(parse.GetValue(_device)!).CreateBackend(Options(parse));
    }

    /// <summary>Compiles the code that prediction will run on this backend.</summary>
    public void WarmUp(ParseResult parse) => Inference.WarmUp.Run(Device.Parse(parse.GetValue(_device)!), Options(parse));

    private BackendOptions Options(ParseResult parse) => new()
    {
        Threads = Threads(parse),
        InstructionSet = InstructionSetNames.TryGetValue(parse.GetValue(_instructionSet)!, out InstructionSet set) ? set : null,
        ExactConvolutions = parse.GetValue(_exact),
    };

    /// <summary>Adds <c>--threads</c> to a command.</summary>
    public static Option<int> AddThreads(CliCommand command)
    {
        Option<int> threads = command.AddOptionWithDefault("--threads", "compute threads, 0 for one per processor; the results are bit-identical for any number", 0);
        command.Require(threads, n => n is >= 0 and <= 1024, "0 to 1024");
        return threads;
    }

    /// <summary>Adds <c>--memory</c> to a command that trains.</summary>
    public static Option<ActivationCheckpointing> AddMemory(CliCommand command)
    {
        Option<ActivationCheckpointing> option = command.AddOptionWithDefault(
            "--memory", "what a training step keeps: low recomputes more feature maps, which takes a few percent longer; high recomputes none and packs kernels once per update, which takes 5% less time and twice the memory; the results are bit-identical", ActivationCheckpointing.EarlyStages);
        option.HelpName = "normal|low|high";
        option.CustomParser = result => result.Tokens[0].Value switch
        {
            "normal" => ActivationCheckpointing.EarlyStages,
            "low" => ActivationCheckpointing.AlternateBlocks,
            "high" => ActivationCheckpointing.None,
            string other => Unknown(result, other),
        };
        return option;

        static ActivationCheckpointing Unknown(ArgumentResult result, string value)
        {
            result.AddError($"--memory is {value}, expected normal, low or high");
            return default;
        }
    }

    /// <summary>Adds <c>--seed</c> to a command.</summary>
    public static Option<ulong> AddSeed(CliCommand command) =>
        command.AddOptionWithDefault("--seed", "the seed of everything random", 1UL);
}
