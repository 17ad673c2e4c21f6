"""Takes a whole DeepLab-ResNet-101 through every format of weights and compares with PyTorch at each step; measures the conversions.

    /usr/bin/python3 tests/reference/check_weights.py FOLDER

On Debian 12:  apt-get install -y --no-install-recommends python3-protobuf python3-torch python3-pil python3-numpy
Needs 2.5 GB in FOLDER. Prints a line a check and fails at the first that does not hold. Not part of ./test, which needs no Python.

The .caffemodel files come from make_caffemodel.py (Google's protobuf; batch norm factors other than 1). The network's scores, by PyTorch with the same
values set by hand, must equal `convert` and then `predict --save-scores` within 1e-4 of the largest.
"""
import json, os, subprocess, sys
import numpy as np
import torch
from PIL import Image
import make_golden as golden

HERE = os.path.dirname(os.path.abspath(__file__))
DEEPLAB = os.path.join(HERE, "..", "..", "deeplab")
RUNS = 5
MEASURE = """import os, subprocess, sys, time
start = time.perf_counter()
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid, 0)
assert status == 0, sys.argv
print(time.perf_counter() - start, usage.ru_maxrss / 1024)"""
COPY = "import sys, torch; torch.save(torch.load(sys.argv[1]), sys.argv[2])"


def check(what, holds):
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        sys.exit(1)


def deeplab(*args):
    return subprocess.run([DEEPLAB, *args], check=True, capture_output=True, text=True).stdout


def checksum(text):
    return next(line.split()[1] for line in text.splitlines() if line.startswith("checksum"))


def read_safetensors(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = np.fromfile(file, np.uint8)
    header.pop("__metadata__", None)
    return {name: data[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"]) for name, entry in header.items()}


def equal(state, expected):
    return state.keys() == expected.keys() and all(np.array_equal(state[n].numpy().view(np.int32), expected[n].view(np.int32)) for n in expected)


def measured(command):
    """Seconds and peak MiB of a process, started from a small one: a child's peak is at least its parent's at that moment."""
    return [float(v) for v in subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True).stdout.split()]


def compare_scores(folder, weights, expected):
    pixels = ((golden.hash_uniform(golden.fnv1a("weights.photo"), 120 * 160 * 3) + 1) * 128).astype(np.uint8).reshape(120, 160, 3)
    Image.fromarray(pixels).save(f"{folder}/photo.png")
    deeplab("predict", "--weights", weights, "-o", f"{folder}/masks", "--save-scores", f"{folder}/scores", f"{folder}/photo.png")
    model = golden.oracle.MultiScale(101, 21)
    model.load_state_dict({n: torch.from_numpy(v.copy()) for n, v in expected.items()}, strict=False)
    golden.oracle.freeze_bn(model)
    x = np.zeros((513, 513, 3), np.float32)
    x[:120, :160] = pixels[:, :, ::-1] - np.array(golden.oracle.MEAN_BGR, np.float32)
    with torch.no_grad():
        want = model(torch.from_numpy(x.transpose(2, 0, 1))[None])[3][0].numpy()
    got = np.load(f"{folder}/scores/photo.npy")
    error = np.abs(got - want).max() / np.abs(want).max()
    check(f"scores after convert and predict are PyTorch's with the values set by hand: {error:.1e} of the largest", error < 1e-4)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    for name, options in (("one", []), ("three", ["--three-scales"])):
        subprocess.run([sys.executable, os.path.join(HERE, "make_caffemodel.py"), "--depth", "101", "--classes", "21", *options,
                        "--out", at(f"{name}.caffemodel"), "--safetensors", at("expected.safetensors")], check=True)
    expected = read_safetensors(at("expected.safetensors"))
    sums = {checksum(deeplab("convert", at("one.caffemodel"), at("one.pth"))), checksum(deeplab("convert", at("three.caffemodel"), at("a.pth")))}
    sums |= {checksum(deeplab("convert", at("a.pth"), at("b.safetensors"))), checksum(deeplab("convert", at("b.safetensors"), at("c.pth")))}
    same = subprocess.run(["cmp", at("a.pth"), at("c.pth")]).returncode == 0
    check("caffemodel -> pth -> safetensors -> pth comes back byte for byte, with one checksum", same and len(sums) == 1)

    for options in ({}, {"weights_only": True}):
        state = torch.load(at("a.pth"), **options)
        check(f"torch.load({options}) of {torch.__version__} has the values bit for bit", equal(state, expected))
    for name, options in (("zip.pth", {}), ("legacy.pth", {"_use_new_zipfile_serialization": False})):
        torch.save(state, at(name), **options)
        check(f"{name} of torch.save has the same checksum", checksum(deeplab("info", at(name))) in sums)
    compare_scores(folder, at("a.pth"), expected)

    for name in ("one", "three"):
        size = os.path.getsize(at(f"{name}.caffemodel")) / 1e6
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(measured([DEEPLAB, "convert", at(f"{name}.caffemodel"), at("out.pth")]))
            theirs.append(measured([sys.executable, "-c", COPY, at("zip.pth"), at("out2.pth")]))
        (s, m), (ts, tm) = np.median(ours, axis=0), np.median(theirs, axis=0)
        check(f"converting {size:.0f} MB takes {s:.2f} s and {m:.0f} MiB, torch.load and torch.save of the same values {ts:.2f} s and {tm:.0f} MiB", s <= ts and m < tm)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
