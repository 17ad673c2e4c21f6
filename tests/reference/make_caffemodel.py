"""Writes .caffemodel files with Google's protobuf for Python: the independent counterpart of the reader in C#.

On Debian 12:  apt-get install -y --no-install-recommends python3-protobuf python3-torch python3-numpy

    /usr/bin/python3 tests/reference/make_caffemodel.py                       the small files in tests/DeepLab.Tests/Golden/caffe
    /usr/bin/python3 tests/reference/make_caffemodel.py --depth 101 --classes 21 --three-scales --out deeplab.caffemodel \\
        --safetensors expected.safetensors                                    a whole network, and what it holds under our names

The messages are built at run time from the field numbers of Caffe's public caffe.proto, as far as files of weights use them.

Small files: every float is u of make_golden.py's scheme, with the file's name (without its ending) for the case and "layer[blob]" for the
name; those of double.caffemodel are u / 3 in double. Whole networks: the weights of make_golden.py ("resnet101-21"). A batch norm's mean and
variance are multiplied by a factor of their layer's own, 999.98236 for the first and then numbers in [900, 1000) drawn from the seed, as
Caffe's moving averages have it, and rounded to float32; what is expected of a reader is the quotient, rounded once.
"""
import argparse, json, os, struct
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
import make_golden as golden

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepLab.Tests", "Golden", "caffe")
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}

# message -> field -> (number, type); "*" repeated, "!" repeated and packed. Types in capitals are messages.
SCHEMA = {
    "BlobShape": {"dim": (1, "!int64")},
    "BlobProto": {"num": (1, "int32"), "channels": (2, "int32"), "height": (3, "int32"), "width": (4, "int32"), "data": (5, "!float"),
                  "diff": (6, "!float"), "shape": (7, "BlobShape"), "double_data": (8, "!double"), "double_diff": (9, "!double")},
    "ParamSpec": {"name": (1, "string"), "lr_mult": (3, "float"), "decay_mult": (4, "float")},
    "NetState": {"phase": (1, "int32"), "level": (2, "int32"), "stage": (3, "*string")},
    "NetStateRule": {"phase": (1, "int32")},
    "BatchNormParameter": {"use_global_stats": (1, "bool"), "eps": (3, "float")},
    "ConvolutionParameter": {"num_output": (1, "uint32"), "bias_term": (2, "bool"), "pad": (3, "*uint32"), "kernel_size": (4, "*uint32"),
                             "stride": (6, "*uint32"), "dilation": (18, "*uint32")},
    "LayerParameter": {"name": (1, "string"), "type": (2, "string"), "bottom": (3, "*string"), "top": (4, "*string"), "loss_weight": (5, "*float"),
                       "param": (6, "*ParamSpec"), "blobs": (7, "*BlobProto"), "include": (8, "*NetStateRule"), "phase": (10, "int32"),
                       "convolution_param": (106, "ConvolutionParameter"), "batch_norm_param": (139, "BatchNormParameter")},
    "V0LayerParameter": {"name": (1, "string"), "type": (2, "string"), "blobs": (50, "*BlobProto")},
    "V1LayerParameter": {"layer": (1, "V0LayerParameter"), "bottom": (2, "*string"), "top": (3, "*string"), "name": (4, "string"), "type": (5, "int32"),
                         "blobs": (6, "*BlobProto"), "blobs_lr": (7, "*float"), "weight_decay": (8, "*float"),
                         "convolution_param": (10, "ConvolutionParameter"), "param": (1001, "*string")},
    "NetParameter": {"name": (1, "string"), "layers": (2, "*V1LayerParameter"), "input": (3, "*string"), "input_dim": (4, "*int32"),
                     "force_backward": (5, "bool"), "state": (6, "NetState"), "debug_info": (7, "bool"), "input_shape": (8, "*BlobShape"),
                     "layer": (100, "*LayerParameter")},
}


def make_messages():
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for message, fields in SCHEMA.items():
        descriptor = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = descriptor.field.add(name=name, number=number, label=types.LABEL_REPEATED if kind[0] in "*!" else types.LABEL_OPTIONAL)
            field.options.packed = kind[0] == "!"
            kind = kind.lstrip("*!")
            if kind in SCHEMA:
                field.type, field.type_name = types.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                field.type = getattr(types, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {m: factory.GetPrototype(pool.FindMessageTypeByName(f"caffe.{m}")) for m in SCHEMA}


CAFFE = make_messages()
Net, Layer, V1Layer, Blob = (CAFFE[m] for m in ("NetParameter", "LayerParameter", "V1LayerParameter", "BlobProto"))


def blob_of(array, **more):
    """A blob as current Caffe writes it."""
    blob = Blob(**more)
    blob.shape.dim.extend(array.shape)
    (blob.double_data if array.dtype == np.float64 else blob.data).extend(array.reshape(-1).tolist())
    return blob


def old_blob(array):
    """A blob as Caffe wrote it before it had shapes: always four sides, the first ones 1."""
    num, channels, height, width = (1,) * (4 - array.ndim) + array.shape
    return Blob(num=num, channels=channels, height=height, width=width, data=array.reshape(-1).tolist())


# Small files ---------------------------------------------------------------------------------------------------------

def numbers(case, name, *shape):
    return golden.hash_uniform(golden.fnv1a(f"{case}.{name}"), int(np.prod(shape))).reshape(shape)


def write_small(case, net):
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, f"{case}.caffemodel")
    with open(path, "wb") as f:
        f.write(net.SerializeToString())
    print(f"{case}: {os.path.getsize(path)} bytes")


def make_current():
    case, net = "current", Net(name="current", state=CAFFE["NetState"](phase=1, stage=["deploy"]))

    def layer(name, kind, *shapes, **more):
        net.layer.append(Layer(name=name, type=kind, bottom=["x"], top=["y"], **more))
        net.layer[-1].blobs.extend(blob_of(numbers(case, f"{name}[{i}]", *s).astype(np.float32)) for i, s in enumerate(shapes))

    rates = [CAFFE["ParamSpec"](name="w", lr_mult=1), CAFFE["ParamSpec"](lr_mult=2, decay_mult=0)]
    layer("data", "Input", include=[CAFFE["NetStateRule"](phase=1)])
    layer("conv1", "Convolution", (4, 3, 3, 3), (4,), param=rates, phase=1, loss_weight=[0, 1],
          convolution_param=CAFFE["ConvolutionParameter"](num_output=4, kernel_size=[3], pad=[12], dilation=[12], stride=[1]))
    for blob in net.layer[-1].blobs:
        blob.diff.extend([7.0] * len(blob.data))
    layer("bn_conv1", "BatchNorm", (4,), (4,), (1,), batch_norm_param=CAFFE["BatchNormParameter"](use_global_stats=True))
    layer("scale_conv1", "Scale", (4,), (4,))
    layer("conv1_relu", "ReLU")
    layer("fc", "InnerProduct", (5, 36), (5,))
    layer("volume", "Convolution", (2, 1, 2, 3, 2))
    layer("scalar", "Parameter", ())
    write_small(case, net)


def make_v1():
    case, net = "v1", Net(name="an older network", input=["data"], input_dim=[1, 3, 8, 8])
    net.layers.append(V1Layer(name="conv1", type=4, bottom=["data"], top=["conv1"], blobs_lr=[1, 2], weight_decay=[1, 0], param=["w", "b"],
                              convolution_param=CAFFE["ConvolutionParameter"](num_output=4, kernel_size=[3])))
    net.layers[-1].blobs.extend(old_blob(numbers(case, f"conv1[{i}]", *s).astype(np.float32)) for i, s in enumerate(((4, 3, 3, 3), (4,))))
    net.layers.append(V1Layer(name="relu1", type=18, bottom=["conv1"], top=["conv1"]))
    net.layers.append(V1Layer(name="fc", type=14, bottom=["conv1"], top=["fc"]))
    net.layers[-1].blobs.extend(old_blob(numbers(case, f"fc[{i}]", *s).astype(np.float32)) for i, s in enumerate(((2, 144), (2,))))
    write_small(case, net)


def make_double():
    case, net = "double", Net()
    net.layer.append(Layer(name="fc", type="InnerProduct"))
    net.layer[-1].blobs.extend(blob_of(numbers(case, f"fc[{i}]", *s) / 3) for i, s in enumerate(((3, 5), (3,))))
    write_small(case, net)


# Whole networks ------------------------------------------------------------------------------------------------------

def block_name(depth, stage, block):
    """Of stage 2 to 5: letters, but a, b1, b2, ... in stages 3 and 4 of depths 101 and 152."""
    if depth > 100 and stage in (3, 4) and block > 0:
        return f"b{block}"
    return "abcdefghijklmnopqrstuvwxyz"[block]


class Network:
    """The layers of a network, and what a reader should make of them under our names."""

    def __init__(self, depth, classes, head, imagenet, seed):
        self.layers, self.expected = [], {}
        self.state = {n[len("Scale."):]: t.numpy().astype(np.float32) for n, t in golden.make_network(depth, classes)[1].state_dict().items()}
        self.random = np.random.RandomState(seed)
        self.add("data", "Input")
        self.convolution("conv1", "bn1", "conv1", "bn_conv1", "scale_conv1", bias=imagenet)
        self.add("pool1", "Pooling")
        for stage in range(2, 6):
            for block in range(BLOCKS[depth][stage - 2]):
                ours, theirs = f"layer{stage - 1}.{block}", f"{stage}{block_name(depth, stage, block)}"
                pairs = [("downsample.0", "downsample.1", "1")] + [(f"conv{i}", f"bn{i}", f"2{c}") for i, c in ((1, "a"), (2, "b"), (3, "c"))]
                for convolution, norm, branch in pairs:
                    if f"{ours}.{convolution}.weight" in self.state:
                        self.convolution(f"{ours}.{convolution}", f"{ours}.{norm}", *(f"{kind}{theirs}_branch{branch}" for kind in ("res", "bn", "scale")))
                self.add(f"res{theirs}", "Eltwise")
                self.add(f"res{theirs}_relu", "ReLU")
        if imagenet:
            inputs = 512 if depth < 50 else 2048
            self.add("fc1000", "InnerProduct", self.random.randn(1000, inputs).astype(np.float32), self.random.randn(1000).astype(np.float32))
            return
        for i in range(4):
            ours = f"layer5.conv2d_list.{i}"
            self.add(f"{head}_c{i}", "Convolution", *(self.keep(f"{ours}.{k}", self.state[f"{ours}.{k}"]) for k in ("weight", "bias")))
        self.add(head, "Eltwise")

    def add(self, name, kind, *arrays):
        self.layers.append(Layer(name=name, type=kind, bottom=["x"], top=[name], blobs=[blob_of(a) for a in arrays]))

    def keep(self, name, array):
        self.expected[f"Scale.{name}"] = array
        return array

    def convolution(self, ours, our_norm, theirs, norm, scale, bias=False):
        weight = self.keep(f"{ours}.weight", self.state[f"{ours}.weight"])
        shift = self.random.uniform(-1, 1, len(weight)).astype(np.float32) if bias else np.zeros(len(weight), np.float32)
        self.add(theirs, "Convolution", weight, *([shift] if bias else []))
        self.add(f"{theirs}_relu", "ReLU")
        factor = np.float32(999.98236 if theirs == "conv1" else self.random.uniform(900, 1000))
        sums = {k: (self.state[f"{our_norm}.{k}"].astype(np.float64) * float(factor)).astype(np.float32) for k in ("running_mean", "running_var")}
        quotients = {k: s.astype(np.float64) / float(factor) for k, s in sums.items()}
        self.keep(f"{our_norm}.running_mean", (quotients["running_mean"] - shift.astype(np.float64)).astype(np.float32))
        self.keep(f"{our_norm}.running_var", quotients["running_var"].astype(np.float32))
        self.add(norm, "BatchNorm", sums["running_mean"], sums["running_var"], factor.reshape(1))
        self.add(scale, "Scale", *(self.keep(f"{our_norm}.{k}", self.state[f"{our_norm}.{k}"]) for k in ("weight", "bias")))

    def write(self, path, three_scales, head):
        """Layer by layer: messages of one layer each, one after another, are the message of all."""
        with open(path, "wb") as f:
            f.write(Net(name="deeplab").SerializeToString())
            for suffix in ("", "_res075", "_res05") if three_scales else ("",):
                for layer in self.layers:
                    copy = Layer()
                    copy.CopyFrom(layer)
                    stem = head if layer.name.startswith(f"{head}_c") else layer.name
                    copy.name = f"{stem}{suffix}{layer.name[len(stem):]}"
                    f.write(Net(layer=[copy]).SerializeToString())
        print(f"{path}: {os.path.getsize(path)} bytes")

    def write_expected(self, path):
        header, offset = {}, 0
        for name, a in self.expected.items():
            header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
            offset += a.nbytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for a in self.expected.values():
                f.write(np.ascontiguousarray(a, "<f4").tobytes())
        print(f"{path}: {len(self.expected)} tensors")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", help="the whole network's file; without it, the small files are written")
    p.add_argument("--depth", type=int, default=101, choices=sorted(BLOCKS))
    p.add_argument("--classes", type=int, default=21)
    p.add_argument("--three-scales", action="store_true", help="repeat all layers with _res075 and _res05")
    p.add_argument("--head", default="fc1_voc12", help="the last layer's name")
    p.add_argument("--imagenet", action="store_true", help="as an original ResNet: fc1000 for the last layer, and a bias in conv1")
    p.add_argument("--seed", type=int, default=1, help="of the batch norms' factors, and of what --imagenet adds")
    p.add_argument("--safetensors", help="what is expected, under our names")
    a = p.parse_args()
    if a.out is None:
        make_current()
        make_v1()
        make_double()
        return
    network = Network(a.depth, a.classes, a.head, a.imagenet, a.seed)
    network.write(a.out, a.three_scales, a.head)
    if a.safetensors:
        network.write_expected(a.safetensors)


if __name__ == "__main__":
    main()
