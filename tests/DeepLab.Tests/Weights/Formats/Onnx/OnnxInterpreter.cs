using System.Numerics;
using System.Runtime.InteropServices;
using DeepLab.Layers;
using DeepLab.Weights.Formats.Onnx.Schema;
using DataType = DeepLab.Weights.Formats.Onnx.Schema.TensorProto.Types.DataType;

namespace DeepLab.Tests.Weights.Formats.Onnx;

/// <summary>An array that flows through a graph; integers are also held in double, exactly.</summary>
internal sealed record OnnxValue(int[] Shape, double[] Data, bool IsInteger = false)
{
    public static OnnxValue Of(TensorProto tensor)
    {
        int[] shape = [.. tensor.Dims.Select(d => (int)d)];
        if (tensor.HasRawData) return new(shape, Widen(MemoryMarshal.Cast<byte, float>(tensor.RawData.Span)));
        return (DataType)tensor.DataType == DataType.Int64
            ? new(shape, [.. tensor.Int64Data.Select(v => (double)v)], IsInteger: true)
            : new(shape, [.. tensor.FloatData.Select(v => (double)v)]);
    }

    private static double[] Widen(ReadOnlySpan<float> values)
    {
        var data = new double[values.Length];
        for (int i = 0; i < data.Length; i++) data[i] = values[i];
        return data;
    }
}

/// <summary>
/// Runs ONNX graphs from the operators' definitions (https://onnx.ai/onnx/operators), in double: what DeepLab's graphs
/// need of each, and an exception for the rest.
/// </summary>
internal sealed class OnnxInterpreter(GraphProto graph)
{
    private readonly Dictionary<string, TensorProto> _constants = graph.Initializer.ToDictionary(t => t.Name);
    private readonly Dictionary<string, NodeProto> _nodes = graph.Node.ToDictionary(n => n.Output.Single());

    /// <summary>
    /// Computes the value named <paramref name="output"/>, and what it needs, from a value of the graph's only input.
    /// </summary>
    public OnnxValue Run(OnnxValue input, string output)
    {
        var values = new Dictionary<string, OnnxValue> { [graph.Input.Single().Name] = input };
        return Get(output);

        OnnxValue Get(string name)
        {
            if (values.TryGetValue(name, out OnnxValue? value)) return value;

            // Not kept: in double, the weights of all nodes at once would be large.
            if (_constants.TryGetValue(name, out TensorProto? constant)) return OnnxValue.Of(constant);
            NodeProto node = _nodes[name];
            return values[name] = Run(node, [.. node.Input.Select(n => n.Length == 0 ? null : Get(n))]);
        }
    }

    private static OnnxValue Run(NodeProto node, OnnxValue?[] inputs)
    {
        OnnxValue x = inputs[0]!;
        switch (node.OpType)
        {
            case "Conv": return Convolution(x, inputs[1]!, inputs[2]!, Integers(node, "strides"), Integers(node, "dilations"), Integers(node, "pads"));
            case "MaxPool" when Integer(node, "ceil_mode") == 1: return MaxPool(x, Integers(node, "kernel_shape"), Integers(node, "strides"), Integers(node, "pads"));
            case "Resize" when Word(node, "mode") == "linear" && Word(node, "coordinate_transformation_mode") == "align_corners" && inputs is [_, null, null, _]:
                return Resize(x, inputs[3]!);
            case "Relu": return x with { Data = [.. x.Data.Select(v => Math.Max(v, 0))] };
            case "Add" or "Sum": return inputs.Aggregate((a, b) => Broadcast(a!, b!, static (p, q) => p + q))!;
            case "Max": return inputs.Aggregate((a, b) => Broadcast(a!, b!, Math.Max))!;
            case "Sub": return Broadcast(x, inputs[1]!, static (p, q) => p - q);
            case "Mul": return Broadcast(x, inputs[1]!, static (p, q) => p * q);
            case "Div": return x.IsInteger ? Broadcast(x, inputs[1]!, static (p, q) => Math.Truncate(p / q)) : Broadcast(x, inputs[1]!, static (p, q) => p / q);
            case "Shape": return new([x.Shape.Length], [.. x.Shape.Select(side => (double)side)], IsInteger: true);
            case "Slice" when x.Shape.Length == 1:
                double[] part = x.Data[(int)inputs[1]!.Data.Single()..(int)inputs[2]!.Data.Single()];
                return x with { Shape = [part.Length], Data = part };
            case "Concat" when inputs.All(v => v!.Shape.Length == 1):
                double[] all = [.. inputs.SelectMany(v => v!.Data)];
                return x with { Shape = [all.Length], Data = all };
            case "Cast" when Integer(node, "to") == (int)DataType.Float: return x with { IsInteger = false };
            case "Transpose": return Pick(x, [.. Integers(node, "perm").Select(axis => x.Shape[axis])], [.. Integers(node, "perm")], static (_, i) => i);
            case "Gather" when Integer(node, "axis") is var axis && inputs[1]!.Shape.Length == 1:
                int[] shape = [.. x.Shape];
                shape[axis] = inputs[1]!.Data.Length;
                return Pick(x, shape, [.. Enumerable.Range(0, shape.Length)], (a, i) => a == axis ? (int)inputs[1]!.Data[i] : i);
            default: throw new NotSupportedException(node.ToString());
        }
    }

    private static int[] Integers(NodeProto node, string name) => [.. node.Attribute.Single(a => a.Name == name).Ints.Select(v => (int)v)];

    private static int Integer(NodeProto node, string name) => (int)node.Attribute.Single(a => a.Name == name).I;

    private static string Word(NodeProto node, string name) => node.Attribute.Single(a => a.Name == name).S.ToStringUtf8();

    private static OnnxValue Convolution(OnnxValue x, OnnxValue kernel, OnnxValue bias, int[] strides, int[] dilations, int[] pads)
    {
        (int maps, int channels, int height, int width) = Sides(x);
        (int outChannels, int inChannels, int kernelHeight, int kernelWidth) = Sides(kernel);
        if (inChannels != channels) throw new ArgumentException($"{channels} channels meet a kernel of {inChannels}.");
        int rows = ((height + pads[0] + pads[2] - (dilations[0] * (kernelHeight - 1)) - 1) / strides[0]) + 1;
        int columns = ((width + pads[1] + pads[3] - (dilations[1] * (kernelWidth - 1)) - 1) / strides[1]) + 1;
        int taps = channels * kernelHeight * kernelWidth, pixels = maps * rows * columns;

        // What each output pixel reads, in the kernel's order; zeros beyond the edges.
        var patches = new double[pixels * taps];
        Parallel.For(0, pixels, pixel =>
        {
            int map = pixel / (rows * columns), top = (pixel / columns % rows * strides[0]) - pads[0], left = (pixel % columns * strides[1]) - pads[1];
            for (int tap = 0; tap < taps; tap++)
            {
                int c = tap / (kernelHeight * kernelWidth);
                int row = top + (tap / kernelWidth % kernelHeight * dilations[0]), column = left + (tap % kernelWidth * dilations[1]);
                if (row >= 0 && row < height && column >= 0 && column < width)
                    patches[(pixel * taps) + tap] = x.Data[(((((map * channels) + c) * height) + row) * width) + column];
            }
        });
        var y = new double[pixels * outChannels];
        Parallel.For(0, outChannels, o =>
        {
            ReadOnlySpan<double> weights = kernel.Data.AsSpan(o * taps, taps);
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                int map = pixel / (rows * columns);
                y[(((map * outChannels) + o) * rows * columns) + (pixel % (rows * columns))] = bias.Data[o] + Dot(weights, patches.AsSpan(pixel * taps, taps));
            }
        });
        return new([maps, outChannels, rows, columns], y);
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        ReadOnlySpan<Vector<double>> wideA = MemoryMarshal.Cast<double, Vector<double>>(a), wideB = MemoryMarshal.Cast<double, Vector<double>>(b);
        var even = Vector<double>.Zero;
        var odd = Vector<double>.Zero;
        int i = 0;
        for (; i + 1 < wideA.Length; i += 2)
        {
            even += wideA[i] * wideB[i];
            odd += wideA[i + 1] * wideB[i + 1];
        }

        double sum = Vector.Sum(even + odd);
        for (i *= Vector<double>.Count; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static OnnxValue MaxPool(OnnxValue x, int[] kernel, int[] strides, int[] pads)
    {
        (int maps, int channels, int height, int width) = Sides(x);
        int rows = (int)Math.Ceiling((height + pads[0] + pads[2] - kernel[0]) / (double)strides[0]) + 1;
        int columns = (int)Math.Ceiling((width + pads[1] + pads[3] - kernel[1]) / (double)strides[1]) + 1;
        var y = new double[maps * channels * rows * columns];
        Array.Fill(y, double.NegativeInfinity);
        for (int i = 0; i < y.Length; i++)
        {
            int plane = i / (rows * columns) * height * width;
            for (int tap = 0; tap < kernel[0] * kernel[1]; tap++)
            {
                int row = (i / columns % rows * strides[0]) - pads[0] + (tap / kernel[1]), column = (i % columns * strides[1]) - pads[1] + (tap % kernel[1]);
                if (row >= 0 && row < height && column >= 0 && column < width) y[i] = Math.Max(y[i], x.Data[plane + (row * width) + column]);
            }
        }

        return new([maps, channels, rows, columns], y);
    }

    private static OnnxValue Resize(OnnxValue x, OnnxValue sizes)
    {
        (int maps, int channels, int height, int width) = Sides(x);
        int[] shape = [.. sizes.Data.Select(v => (int)v)];
        if (shape is not [var outMaps, var outChannels, var rows, var columns] || outMaps != maps || outChannels != channels)
            throw new ArgumentException($"[{string.Join(", ", x.Shape)}] cannot become [{string.Join(", ", shape)}].");
        var y = new double[maps * channels * rows * columns];
        for (int i = 0; i < y.Length; i++)
        {
            int plane = i / (rows * columns) * height * width;
            (int above, int below, double down) = Between(i / columns % rows, rows, height);
            (int left, int right, double across) = Between(i % columns, columns, width);
            double Row(int row) => ((1 - across) * x.Data[plane + (row * width) + left]) + (across * x.Data[plane + (row * width) + right]);
            y[i] = ((1 - down) * Row(above)) + (down * Row(below));
        }

        return new(shape, y);

        static (int First, int Second, double Weight) Between(int index, int count, int source)
        {
            double position = count == 1 ? 0 : index * (double)(source - 1) / (count - 1);
            int first = Math.Min((int)position, source - 1);
            return (first, Math.Min(first + 1, source - 1), position - first);
        }
    }

    private static OnnxValue Broadcast(OnnxValue a, OnnxValue b, Func<double, double, double> apply)
    {
        if (a.Shape.Length != b.Shape.Length || a.IsInteger != b.IsInteger) throw new NotSupportedException("Operands of different ranks or types.");
        int[] shape = [.. a.Shape.Zip(b.Shape, Math.Max)];
        OnnxValue Wide(OnnxValue v) => v.Shape.SequenceEqual(shape) ? v : Pick(v, shape, [.. Enumerable.Range(0, shape.Length)], (axis, i) => v.Shape[axis] == 1 ? 0 : i);
        return a with { Shape = shape, Data = [.. Wide(a).Data.Zip(Wide(b).Data, apply)] };
    }

    /// <summary>y[i₀, i₁, ..] = x at the index that is choose(axes[k], iₖ) along axes[k].</summary>
    private static OnnxValue Pick(OnnxValue x, int[] shape, int[] axes, Func<int, int, int> choose)
    {
        int[] steps = new int[x.Shape.Length];
        for (int axis = steps.Length - 1, step = 1; axis >= 0; step *= x.Shape[axis--]) steps[axis] = step;
        var y = new double[shape.Aggregate(1, (product, side) => product * side)];
        for (int i = 0; i < y.Length; i++)
        {
            int source = 0;
            for (int k = shape.Length - 1, rest = i; k >= 0; rest /= shape[k--]) source += steps[axes[k]] * choose(axes[k], rest % shape[k]);
            y[i] = x.Data[source];
        }

        return x with { Shape = shape, Data = y };
    }

    private static (int, int, int, int) Sides(OnnxValue x) =>
        x.Shape is [var a, var b, var c, var d] ? (a, b, c, d) : throw new ArgumentException($"[{string.Join(", ", x.Shape)}] has not four sides.");
}
