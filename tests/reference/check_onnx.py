"""Compares the .onnx files that this project writes, run by ONNX Runtime, with PyTorch in float64 and with the project's own engine.

    /usr/bin/python3 tests/reference/check_onnx.py FOLDER

Needs torch 1.13, numpy, node 18 or later with npm, and 1.5 GB in FOLDER, where it installs ONNX Runtime and puts all files; takes some minutes.
Prints a line a case and fails where scores differ by more than 1e-4 of the largest. Not part of ./test, which needs neither node nor Python.

ResNet-18 and ResNet-50 (golden weights, see make_golden.py), both preprocessings, the stride of bottlenecks on their first 1x1 and on their 3x3, one scale
and three, prepared inputs and pixels, three sizes, a batch of two.
"""
import os, subprocess, sys
import numpy as np
import torch
import make_golden as golden

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = ((2, 65, 65), (1, 97, 129), (1, 321, 321))
MEAN = {"caffe": golden.oracle.MEAN_BGR, "torchvision": (0.485 * 255, 0.456 * 255, 0.406 * 255)}
DEVIATION = {"caffe": (1, 1, 1), "torchvision": (0.229 * 255, 0.224 * 255, 0.225 * 255)}
NETWORKS = ((18, 21, "caffe", False), (18, 21, "torchvision", False), (50, 6, "caffe", False), (50, 6, "torchvision", True))
TOLERANCE = 1e-4


def make_inputs(folder):
    for n, h, w in SIZES:
        pixels = np.floor((golden.hash_uniform(golden.fnv1a(f"onnx.{h}x{w}"), n * h * w * 3) + 1) * 128).astype(np.uint8).reshape(n, h, w, 3)
        np.save(f"{folder}/pixels-{h}x{w}.npy", pixels)
        for name in MEAN:
            x = pixels[..., ::-1] if name == "caffe" else pixels
            x = ((x.astype(np.float64) - MEAN[name]) / DEVIATION[name]).astype(np.float32)
            np.save(f"{folder}/{name}-{h}x{w}.npy", np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def reference(folder, depth, classes, preprocessing, stride_on_3x3):
    """(height, width) -> scores of one scale and of three, by PyTorch in float64."""
    _, model = golden.make_network(depth, classes)
    with torch.no_grad():
        if preprocessing == "torchvision":
            model.Scale.conv1.weight.mul_(64)  # as OnnxRuntimeCases does
        if stride_on_3x3:
            block = model.Scale.layer2[0]
            block.conv1.stride, block.conv2.stride = (1, 1), (2, 2)
        scores = {}
        for _, h, w in SIZES:
            full, _, _, fused = model(torch.from_numpy(np.load(f"{folder}/{preprocessing}-{h}x{w}.npy")).double())
            scores[h, w] = {1: full.numpy(), 3: fused.numpy()}
    return scores


def run_onnx(folder, model, inputs):
    arguments = [a for h, w in inputs for a in (f"{folder}/{inputs[h, w]}", f"{folder}/{model}-{h}x{w}.npy")]
    subprocess.run(["node", f"{HERE}/run_onnx.js", f"{folder}/{model}.onnx", *arguments], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "NODE_PATH": f"{folder}/node_modules"})
    return {(h, w): np.load(f"{folder}/{model}-{h}x{w}.npy") for h, w in inputs}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    folder = os.path.abspath(folder)
    if not os.path.isdir(f"{folder}/node_modules/onnxruntime-node"):
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--prefix", folder, "onnxruntime-node"], check=True)
    make_inputs(folder)
    subprocess.run([f"{HERE}/../../test", "-class", "*OnnxRuntimeCases", "-explicit", "only"], check=True, env={**os.environ, "DEEPLAB_ONNX_CASES": folder})
    worst = 0
    for network in NETWORKS:
        expected = reference(folder, *network)
        name = f"resnet{network[0]}-{network[2]}"
        for scales in (1, 3):
            for kind in ("preprocessed", "pixels"):
                prefix = "pixels" if kind == "pixels" else network[2]
                found = run_onnx(folder, f"{name}-{scales}-{kind}", {(h, w): f"{prefix}-{h}x{w}.npy" for _, h, w in SIZES})
                for h, w in found:
                    oracle, engine = expected[h, w][scales], np.load(f"{folder}/{name}-{scales}-{h}x{w}.engine.npy")
                    assert found[h, w].shape == oracle.shape == engine.shape, (found[h, w].shape, oracle.shape, engine.shape)
                    largest = np.abs(oracle).max()
                    errors = [np.abs(found[h, w] - other).max() / largest for other in (oracle, engine)]
                    worst = max(worst, *errors)
                    print(f"{name:20s} {scales} scale{'s' if scales > 1 else ' '} {kind:12s} {str(oracle.shape):18s} {h}x{w}: largest {largest:6.2f}, deviation {oracle.std():.2f};"
                          f" off PyTorch by {errors[0]:.1e}, off our engine by {errors[1]:.1e}", flush=True)
    print(f"worst: {worst:.1e} of the largest score; {TOLERANCE:.0e} is allowed")
    return 1 if worst > TOLERANCE else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
