"""Writes the .pth files that DeepLab.Tests reads, with PyTorch's own torch.save.

    /usr/bin/python3 tests/reference/make_pth.py        (torch 1.13 and numpy; seconds)

Files: tests/DeepLab.Tests/Golden/pytorch/*.pth. Elements are not stored again: both languages make them from a name
(values() of make_golden.py, case "pth"). Integers count from 1; floating types of 16 bits are multiples of 1/64, exact in both.
Legacy files name their storages by addresses: their bytes differ from run to run.

written.pth is the library's own (PyTorchWriterTests compares every byte): here PyTorch is shown to read it.
"""
import argparse, os, pickle, struct, warnings, zipfile
from collections import OrderedDict
import numpy as np
import torch
import torch.nn as nn
from make_golden import values

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepLab.Tests", "Golden", "pytorch")


def single(name, *shape):
    return values("pth", name, shape).float()


def coarse(name, *shape):
    return values("pth", name, shape, lambda u: np.floor(u * 64) / 64)


def save(name, obj, legacy=False, protocol=2):
    path = os.path.join(OUT, name)
    torch.save(obj, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    print(f"{name}: {os.path.getsize(path)} bytes")


def plain():
    """Every type, and views of every kind; attributes, as nn.Module.state_dict() gives them to its dict."""
    base, kernel = single("base", 6, 5), single("kernel", 4, 3, 2, 5)
    state = OrderedDict([
        ("conv.weight", single("conv.weight", 4, 3, 3, 3)),
        ("bn.num_batches_tracked", torch.tensor(7)),
        ("double", values("pth", "double", (5,)) / 3),
        ("half", coarse("half", 3, 4).half()),
        ("bfloat", coarse("bfloat", 2, 3).bfloat16()),
        ("int", torch.arange(1, 4, dtype=torch.int32)),
        ("short", torch.arange(1, 4, dtype=torch.int16)),
        ("char", torch.arange(1, 4, dtype=torch.int8)),
        ("byte", torch.arange(1, 4, dtype=torch.uint8)),
        ("bool", torch.tensor([True, False])),
        ("base", base),
        ("base.transposed", base.t()),
        ("base.row", base[2]),
        ("base.column", base[:, 3]),
        ("base.thirds", base.view(-1)[1::3]),
        ("kernel.permuted", kernel.permute(2, 3, 1, 0)),
        ("kernel.slice", kernel[1:, ::2, 1, 1:4]),
        ("expanded", single("expanded", 3, 1).expand(3, 4)),
        ("half.transposed", coarse("half.transposed", 3, 4).half().t()),
        ("scalar", single("scalar")),
        ("empty", torch.empty(0, 4)),
        ("parameter", nn.Parameter(single("parameter", 3))),
        ("größe", single("größe", 2)),
    ])
    state._metadata = OrderedDict([("", {"version": 1}), ("bn", {"version": 2})])
    return state


def checkpoint():
    """What training programs write: counters and the optimizer's state beside the network's, whose names tell of DataParallel."""
    model = nn.Module()
    model.module = nn.Sequential(OrderedDict([("conv1", nn.Conv2d(3, 2, 3, bias=False)), ("bn1", nn.BatchNorm2d(2))]))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    with torch.no_grad():
        for name, t in model.state_dict().items():
            if t.is_floating_point():
                t.copy_(single(name, *t.shape))
    return {"epoch": 3, "arch": "deeplab", "best": 0.75, "big": 1 << 40, "negative": -5, "many": 70000, "done": False, "note": None, "list": [1, (2, 3)],
            "state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "loss": torch.tensor(0.5)}


def python2():
    """A file as Python 2 and PyTorch 0.3 wrote it, by hand: byte strings, an OrderedDict of a list of pairs, views of a storage, a GPU's storages."""
    def text(s):
        return b"U" + bytes([len(s)]) + s.encode()

    def integer(n):
        return b"K" + bytes([n])

    def tensor(storage, key, total, view, offset, sizes, strides):
        view = b"N" if view is None else b"(" + text(view[0]) + integer(view[1]) + integer(view[2]) + b"t"
        storage = b"(" + text("storage") + b"ctorch.cuda\n" + storage.encode() + b"\n" + text(key) + text("cuda:0") + b"\x8a\x01" + bytes([total]) + view + b"tQ"
        numbers = b"".join(b"(" + b"".join(integer(n) for n in t) + b"t" for t in (sizes, strides))
        return b"ctorch._utils\n_rebuild_tensor\n(" + storage + integer(offset) + numbers + b"tR"

    entries = [
        ("conv1.weight", tensor("FloatStorage", "93", 12, None, 0, (3, 4), (4, 1))),
        ("view", tensor("FloatStorage", "93", 12, ("94", 4, 6), 1, (2, 2), (2, 1))),
        ("doubles", tensor("DoubleStorage", "95", 3, None, 0, (3,), (1,))),
    ]
    pairs = b"".join(b"](" + text(name) + value + b"e" for name, value in entries)
    single93, double95 = single("python2.93", 12).numpy().tobytes(), (values("pth", "python2.95", (3,)) / 3).numpy().tobytes()
    return b"".join((
        pickle.dumps(0x1950a86a20f9469cfc6c, 2), pickle.dumps(1001, 2),
        b"\x80\x02}(" + text("little_endian") + b"\x88" + text("protocol_version") + b"M\xe9\x03" + text("type_sizes") + b"}u.",
        b"\x80\x02ccollections\nOrderedDict\n](" + pairs + b"e\x85R.",
        b"\x80\x02](" + text("93") + text("95") + b"e.",
        struct.pack("<q", 12), single93, struct.pack("<q", 3), double95))


def repack_zip64(source, target):
    """Copies an archive with Python's zipfile, every field of 64 bits that can be."""
    limit = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = -1
    try:
        with zipfile.ZipFile(os.path.join(OUT, source)) as old, zipfile.ZipFile(os.path.join(OUT, target), "w") as new:
            for name in old.namelist():
                with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as record:
                    record.write(old.read(name))
    finally:
        zipfile.ZIP64_LIMIT = limit
    print(f"{target}: {os.path.getsize(os.path.join(OUT, target))} bytes")


def check_written():
    expected = {"Scale.conv1.weight": (2, 3, 1, 2), "größe": (), "empty": (0, 4), "long": (300, 7)}
    for weights_only in (False, True):
        state = torch.load(os.path.join(OUT, "written.pth"), weights_only=weights_only)
        assert type(state) is OrderedDict and list(state) == list(expected)
        assert state.deeplab == {"classes": "21", "mean": "104.008 116.669 122.675", "名\n": '"é"'}
        for i, (name, shape) in enumerate(expected.items()):
            t = state[name]
            assert t.dtype == torch.float32 and t.shape == shape and t.is_contiguous() and not t.requires_grad
            assert torch.equal(t.reshape(-1), torch.arange(t.numel()) * 0.25 - i)
    assert zipfile.ZipFile(os.path.join(OUT, "written.pth")).testzip() is None
    print("written.pth: read by torch.load, with weights_only too")


def main():
    os.makedirs(OUT, exist_ok=True)
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    save("plain.pth", plain())
    save("plain-protocol4.pth", plain(), protocol=4)
    save("plain-legacy.pth", plain(), legacy=True)
    save("plain-legacy-protocol4.pth", plain(), legacy=True, protocol=4)
    repack_zip64("plain.pth", "plain-zip64.pth")
    save("checkpoint.pth", checkpoint())
    save("checkpoint-legacy.pth", checkpoint(), legacy=True)
    save("nested.pth", {"model": {"state_dict": {"a": single("nested.a", 2)}, "depth": 101}, "extra": single("nested.b", 1)})

    with open(os.path.join(OUT, "python2-legacy.pth"), "wb") as f:
        f.write(python2())
    loaded = torch.load(os.path.join(OUT, "python2-legacy.pth"), map_location="cpu")
    assert torch.equal(loaded["view"], single("python2.93", 12)[5:9].reshape(2, 2)), "PyTorch reads the hand-made file otherwise"

    # What is refused.
    save("refused-namespace.pth", {"state_dict": {"a": torch.ones(1)}, "args": argparse.Namespace(lr=1)})
    save("refused-numpy.pth", {"state_dict": {"a": torch.ones(1)}, "best": np.float64(0.5)})
    save("refused-module.pth", nn.Linear(1, 1))
    save("refused-module-legacy.pth", nn.Linear(1, 1), legacy=True)
    save("refused-quantized.pth", {"a": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)})
    save("refused-sparse.pth", {"a": torch.eye(2).to_sparse()})
    save("refused-meta.pth", {"a": torch.empty(2, device="meta")})
    save("refused-complex.pth", {"a": torch.ones(2, dtype=torch.complex64)})
    save("refused-list.pth", [torch.ones(1)])
    save("refused-two.pth", {"generator": {"a": torch.ones(1)}, "discriminator": {"a": torch.ones(1)}})
    torch.jit.save(torch.jit.script(nn.ReLU()), os.path.join(OUT, "refused-script.pth"))
    check_written()


if __name__ == "__main__":
    main()
