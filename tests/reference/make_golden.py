"""Writes the golden files that DeepLab.Tests compares the C# network with, from the PyTorch oracle in float64.

    /usr/bin/python3 tests/reference/make_golden.py        (torch 1.13 and numpy; a few minutes)

Files: tests/DeepLab.Tests/Golden/network/*.safetensors. Layouts are PyTorch's: NCHW maps, OIHW weights.

Inputs are not stored: both languages make them, in double, from a name, and round them to float32 (the oracle then
works on those float32 numbers in float64).

  seed(case, name)   FNV-1a, 64 bits, of the UTF-8 bytes of "case.name"
  u_i                the i-th number (from 0) of SplitMix64 started at that seed: z = seed + (i+1) 0x9E3779B97F4A7C15,
                     z = (z ^ z>>30) 0xBF58476D1CE4E5B9, z = (z ^ z>>27) 0x94D049BB133111EB, z = z ^ z>>31;
                     k = its top 24 bits, u = k / 2^23 - 1, in [-1, 1), exact in float32
  convolution inputs and upstream gradients of single layers: u; their weights and biases: u / 4
  batch norms of single layers: weight 1 + 0.2 u, bias and running_mean 0.1 u, running_var 1 + 0.3 u

Whole networks, parameter names as in the state_dict (case: "resnet18-21", depth and classes):
  convolutions       u sqrt(6 / (cout kh kw)): He's deviation by fan out
  layer5             weights 0.05 u, biases 0.1 u
  bn.weight          1 + 0.2 u; for the last batch norm of each residual branch 0.3 (1 + 0.2 u)
  bn.bias, mean      0.1 u
  running_var        (1 + 0.3 u) 2 cin / cout of the convolution before it; Scale.bn1: (1 + 0.3 u) 312.5.
                     So each batch norm gives about unit variance, as a trained network's does.
  image              100 u;  label: one value a block of 8 by 8 pixels, row by row: with k = 2^23 (u + 1):
                     255 where k mod 10 = 0, else (k div 10) mod classes

Large tensors are sampled: min(256, n) elements at flat indices i (n - 1) div (count - 1).
"""
import json, math, os, struct
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import deeplab_torch as oracle

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepLab.Tests", "Golden", "network")
MASK = (1 << 64) - 1


def fnv1a(text):
    h = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def hash_uniform(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2 ** 23 - 1


def values(case, name, shape, transform=lambda u: u):
    """The tensor of that name, rounded to float32, as float64."""
    u = hash_uniform(fnv1a(f"{case}.{name}"), int(np.prod(shape)))
    return torch.from_numpy(transform(u).astype(np.float32).astype(np.float64).reshape(shape))


def make_label(case, name, h, w, classes):
    rows, columns = (h + 7) // 8, (w + 7) // 8
    k = ((hash_uniform(fnv1a(f"{case}.{name}"), rows * columns) + 1) * 2 ** 23).astype(np.int64)
    blocks = np.where(k % 10 == 0, 255, k // 10 % classes).reshape(rows, columns)
    return torch.from_numpy(np.repeat(np.repeat(blocks, 8, 0), 8, 1)[:h, :w].copy())[None]


def samples(t):
    flat = t.detach().reshape(-1)
    n = flat.numel()
    count = min(256, n)
    index = [i * (n - 1) // (count - 1) for i in range(count)] if count > 1 else [0]
    return flat[index]


def save(name, tensors, metadata):
    header, data = {"__metadata__": metadata}, []
    offset = 0
    for key in tensors:
        a = np.ascontiguousarray(tensors[key].detach().double().numpy().astype("<f8"))
        header[key] = {"dtype": "F64", "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
        data.append(a.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))
    print(f"{name}: {(8 + len(text) + offset) / 1024:.0f} KiB, {len(tensors)} tensors")


def distance(a, b):
    """Relative norm of the difference of a (float32) from b (float64)."""
    a, b = a.detach().double(), b.detach()
    return float((a - b).norm() / max(float(b.norm()), 1e-300))


# Single layers -------------------------------------------------------------------------------------------------------

class Layers:
    """Collects cases: each is a function of named tensors, run in float64 and, to see how tame it is, in float32."""

    def __init__(self):
        self.tensors, self.metadata, self.worst = {}, {}, {}

    def add(self, case, kind, inputs, function, **settings):
        """inputs: name -> (shape, transform); gradients are stored for those not starting with bn."""
        results = {}
        for dtype in (torch.float64, torch.float32):
            t = {n: values(case, n, s, f).to(dtype) for n, (s, f) in inputs.items()}
            wanted = [n for n in t if ".running" not in n and not is_batch_norm(n)]
            for n in wanted:
                t[n].requires_grad_(True)
            y = function(t)
            dy = values(case, "dy", tuple(y.shape)).to(dtype)
            gradients = torch.autograd.grad((y * dy).sum(), [t[n] for n in wanted])
            results[dtype] = {"y": y, **{f"grad.{n}": g for n, g in zip(wanted, gradients)}}
        for n, v in results[torch.float64].items():
            self.tensors[f"{case}.{n}"] = v
            self.worst[kind] = max(self.worst.get(kind, 0), distance(results[torch.float32][n], v))
        shapes = {n: list(s) for n, (s, _) in inputs.items()}
        output = list(results[torch.float64]["y"].shape)
        self.metadata[case] = json.dumps({"kind": kind, "inputs": shapes, "output": output, **settings})


def is_batch_norm(name):
    part = name.rsplit(".", 1)[0]
    return part.startswith("bn") or part == "downsample.1"


def plain(*shape):
    return shape, lambda u: u


def quarter(*shape):
    return shape, lambda u: u / 4


def batch_norm(prefix, channels):
    small = ((channels,), lambda u: 0.1 * u)
    return {f"{prefix}.weight": ((channels,), lambda u: 1 + 0.2 * u), f"{prefix}.bias": small,
            f"{prefix}.running_mean": small, f"{prefix}.running_var": ((channels,), lambda u: 1 + 0.3 * u)}


def apply_batch_norm(x, t, prefix):
    return F.batch_norm(x, *(t[f"{prefix}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")), eps=1e-5)


def convolution_cases(layers):
    for k, stride, padding, dilation, n, cin, cout, h, w in (
            (7, 2, 3, 1, 1, 3, 8, 17, 23), (1, 1, 0, 1, 2, 16, 24, 5, 7), (1, 2, 0, 1, 2, 12, 20, 9, 6), (1, 2, 0, 1, 1, 12, 20, 10, 7),
            (3, 1, 1, 1, 2, 16, 16, 7, 9), (3, 2, 1, 1, 1, 12, 20, 9, 6), (3, 2, 1, 1, 1, 12, 20, 10, 7),
            (3, 1, 2, 2, 1, 20, 13, 11, 5), (3, 1, 4, 4, 1, 20, 13, 11, 5), (3, 1, 1, 1, 1, 5, 3, 1, 1)):
        layers.add(f"conv{k}x{k}-s{stride}-d{dilation}-{h}x{w}", "conv",
                   {"x": plain(n, cin, h, w), "w": quarter(cout, cin, k, k)},
                   lambda t: F.conv2d(t["x"], t["w"], None, stride, padding, dilation),
                   stride=stride, padding=padding, dilation=dilation)
    dilations = (6, 12, 18, 24)
    for h, w in ((13, 19), (2, 3)):
        inputs = {"x": plain(1, 24, h, w)}
        for i in range(4):
            inputs[f"w{i}"], inputs[f"b{i}"] = quarter(7, 24, 3, 3), quarter(7)
        layers.add(f"aspp-{h}x{w}", "aspp", inputs,
                   lambda t: sum(F.conv2d(t["x"], t[f"w{i}"], t[f"b{i}"], 1, d, d) for i, d in enumerate(dilations)),
                   dilations=dilations)
    for name, k, stride, dilation in (("1x1", 1, 1, 1), ("3x3-dilated", 3, 1, 2), ("3x3-strided", 3, 2, 1)):
        padding = dilation * (k // 2)
        shape = (2, 18, (7 - 1) // stride + 1, (6 - 1) // stride + 1)
        inputs = {"x": plain(2, 10, 7, 6), "w": quarter(18, 10, k, k), "s": plain(*shape), **batch_norm("bn", 18)}
        settings = dict(stride=stride, padding=padding, dilation=dilation)

        def fused(t, shortcut):
            y = apply_batch_norm(F.conv2d(t["x"], t["w"], None, stride, padding, dilation), t, "bn")
            return F.relu(y + t["s"] if shortcut else y)
        layers.add(f"fused-shortcut-{name}", "fused", inputs, lambda t: fused(t, True), **settings)
        without = {n: v for n, v in inputs.items() if n != "s"}
        layers.add(f"fused-{name}", "fused", without, lambda t: fused(t, False), **settings)


def map_cases(layers):
    for h, w in ((9, 12), (10, 7), (1, 1)):
        layers.add(f"maxpool-{h}x{w}", "maxpool", {"x": plain(2, 5, h, w)},
                   lambda t: F.max_pool2d(t["x"], 3, 2, 1, ceil_mode=True), kernel=3, stride=2, padding=1)
    for a, b in (((7, 5), (13, 9)), ((13, 9), (7, 5)), ((5, 5), (1, 1)), ((1, 1), (4, 3)), ((6, 4), (6, 4)), ((2, 9), (5, 1))):
        layers.add(f"resize-{a[0]}x{a[1]}-to-{b[0]}x{b[1]}", "resize", {"x": plain(2, 3, *a)}, lambda t: oracle.resize(t["x"], b))
    layers.add("maximum", "maximum", {n: plain(2, 5, 4, 6) for n in ("x0", "x1", "x2")},
               lambda t: torch.max(torch.max(t["x0"], t["x1"]), t["x2"]))


def loss_cases(layers):
    """Softmax cross-entropy: y is the mean loss over the pixels that count, dy is 1; with none, loss and gradient are 0."""
    for case, n, classes, h, w in (("loss-2", 1, 2, 5, 9), ("loss-21", 1, 21, 17, 11), ("loss-two-maps", 2, 6, 9, 16), ("loss-all-ignored", 1, 6, 5, 7)):
        scale = 8
        x = (values(case, "x", (n, classes, h, w)) * scale).requires_grad_(True)
        label = torch.cat([make_label(case, f"label{i}", h, w, classes) for i in range(n)])
        if case == "loss-all-ignored":
            label[:] = 255
            loss, gradient = torch.zeros(()), torch.zeros_like(x)
        else:
            loss = F.cross_entropy(x, label, ignore_index=255)
            gradient, = torch.autograd.grad(loss, x)
        layers.tensors[f"{case}.y"], layers.tensors[f"{case}.grad.x"], layers.tensors[f"{case}.label"] = loss.reshape(1), gradient, label
        layers.metadata[case] = json.dumps({"kind": "loss", "inputs": {"x": [n, classes, h, w]}, "output": [1], "scale": scale, "ignore": 255})


def block_cases(layers):
    """A block's input is a map after ReLU in the network; here it is signed, which asks no less of it."""
    for case, kind, cin, planes, stride, dilation, h, w in (
            ("bottleneck-projection-strided", "bottleneck", 20, 6, 2, 1, 9, 8), ("bottleneck-projection-dilated", "bottleneck", 20, 6, 1, 4, 7, 9),
            ("bottleneck-dilated", "bottleneck", 24, 6, 1, 2, 7, 9), ("basic-projection-strided", "basic", 10, 16, 2, 1, 9, 8),
            ("basic-projection-dilated", "basic", 10, 16, 1, 4, 7, 9), ("basic-dilated", "basic", 16, 16, 1, 2, 7, 9), ("basic", "basic", 16, 16, 1, 1, 6, 5)):
        bottleneck = kind == "bottleneck"
        cout = planes * (4 if bottleneck else 1)
        kernels = ((planes, cin, 1), (planes, planes, 3), (cout, planes, 1)) if bottleneck else ((planes, cin, 3), (planes, planes, 3))
        inputs = {"x": plain(2, cin, h, w)}
        for i, (o, c, k) in enumerate(kernels, 1):
            inputs.update({f"conv{i}.weight": quarter(o, c, k, k), **batch_norm(f"bn{i}", o)})
        project = "projection" in case
        if project:
            inputs.update({"downsample.0.weight": quarter(cout, cin, 1, 1), **batch_norm("downsample.1", cout)})

        def forward(t):
            shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if project else None
            block = (oracle.Bottleneck if bottleneck else oracle.BasicBlock)(cin, planes, stride, dilation, shortcut)
            oracle.freeze_bn(block)
            own = {n: v for n, v in t.items() if n != "x"}
            return torch.nn.utils.stateless.functional_call(block, own, (t["x"],))
        layers.add(case, kind, inputs, forward, stride=stride, dilation=dilation, planes=planes, projection=project)


def make_layers():
    for file, kinds in (("convolutions", (convolution_cases,)), ("maps", (map_cases, loss_cases)), ("blocks", (block_cases,))):
        layers = Layers()
        for cases in kinds:
            cases(layers)
        save(file + ".safetensors", layers.tensors, layers.metadata)
        print("  float32 from float64, worst:", " ".join(f"{k} {v:.1e}" for k, v in layers.worst.items()))


# Whole networks ------------------------------------------------------------------------------------------------------

def make_network(depth, classes):
    case = f"resnet{depth}-{classes}"
    model = oracle.MultiScale(depth, classes).double()
    state = model.state_dict()
    last = "bn2" if depth < 50 else "bn3"
    for name, t in state.items():
        owner, kind = name.rsplit(".", 1)
        if kind == "num_batches_tracked":
            continue
        if "conv2d_list" in owner:
            transform = (lambda u: 0.05 * u) if kind == "weight" else (lambda u: 0.1 * u)
        elif t.dim() == 4:
            factor = math.sqrt(6.0 / (t.shape[0] * t.shape[2] * t.shape[3]))
            transform = lambda u: factor * u
        elif kind == "weight":
            gain = 0.3 if owner.endswith("." + last) and ".layer" in owner else 1.0
            transform = lambda u: gain * (1 + 0.2 * u)
        elif kind == "running_var":
            before = owner[:-1] + "0" if owner.endswith("downsample.1") else owner.replace("bn", "conv")
            cout, cin = state[before + ".weight"].shape[:2]
            scale = 312.5 if owner == "Scale.bn1" else 2.0 * cin / cout
            transform = lambda u: scale * (1 + 0.3 * u)
        else:
            transform = lambda u: 0.1 * u
        t.copy_(values(case, name, tuple(t.shape), transform))
    oracle.freeze_bn(model)
    return case, model


def float32_copy(depth, classes):
    _, model = make_network(depth, classes)
    return model.float()


def weight_sums(model):
    """The sum of each parameter and statistic, in ordinal order of names: tells that the other language made the same."""
    state = {n: t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
    return torch.stack([state[n].sum() for n in sorted(state)])


def trained(model):
    return [(n, p) for n, p in model.named_parameters() if p.requires_grad]


def run(model, x, label):
    scores = model(x)
    losses = [F.cross_entropy(s, oracle.shrink_label(label, s.shape[2:]), ignore_index=255) for s in scores]
    total = oracle.total_loss(scores, label)
    names, parameters = zip(*trained(model))
    return scores, losses, total, dict(zip(names, torch.autograd.grad(total, parameters)))


def make_networks():
    for depth, classes in ((18, 21), (50, 6)):
        case, model = make_network(depth, classes)
        single = float32_copy(depth, classes)
        for h, w in ((65, 65), (97, 129)):
            name = f"{case}-{h}x{w}"
            # With the image "x" a ReLU of the larger network of depth 50 lies on its edge: float32 is 2e-2 from float64 there.
            image = "x0" if (depth, h) == (50, 97) else "x"
            x, label = values(name, image, (1, 3, h, w), lambda u: 100 * u), make_label(name, "label", h, w, classes)
            scores, losses, total, gradients = run(model, x, label)
            scores32, losses32, _, gradients32 = run(single, x.float(), label)
            tensors = {"weights.sums": weight_sums(model), "losses": torch.stack(losses), "loss": total.reshape(1), "label": label}
            for n, s in zip(("scores.1", "scores.075", "scores.05", "scores.fused"), scores):
                tensors[n] = s
            for n, g in gradients.items():
                tensors[f"grad.{n}.norm"], tensors[f"grad.{n}.samples"] = g.norm().reshape(1), samples(g)
            save(name + ".safetensors", tensors, {"case": name, "weights": case, "image": image, "depth": str(depth), "classes": str(classes),
                                                  "height": str(h), "width": str(w)})
            norms = [float(g.norm()) for g in gradients.values()]
            print(f"  losses {[round(float(v), 4) for v in losses]}, scores up to {max(float(s.abs().max()) for s in scores):.3f},"
                  f" gradient norms {min(norms):.2e} to {max(norms):.2e}")
            print(f"  float32 from float64: scores {max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(scores32, scores)):.1e} of the largest,"
                  f" losses {max(distance(a, b) for a, b in zip(losses32, losses)):.1e}, gradients {max(distance(gradients32[n], g) for n, g in gradients.items()):.1e}")


# Ten updates ---------------------------------------------------------------------------------------------------------

def make_updates(depth=18, classes=6, side=65, rate=2e-4, updates=10, decay=5e-4, head=10):
    """Update i takes image i mod 2 alone, at rate (1 - i / updates)^0.9 times the base rate."""
    name = "updates"
    data = [(values(name, f"x{i}", (1, 3, side, side), lambda u: 100 * u), make_label(name, f"label{i}", side, side, classes)) for i in range(2)]
    changes, losses = {}, {}
    for dtype in (torch.float64, torch.float32):
        case, model = make_network(depth, classes)
        model.to(dtype)
        start = {n: p.detach().clone() for n, p in trained(model)}
        optimizer = oracle.CaffeSgd(oracle.param_groups(model, rate, decay, head), 0.9)
        losses[dtype] = []
        for i in range(updates):
            for group in optimizer.param_groups:
                group["lr"] = group["mult"] * rate * (1 - i / updates) ** .9
            optimizer.zero_grad()
            x, label = data[i % 2]
            loss = oracle.total_loss(model(x.to(dtype)), label)
            loss.backward()
            losses[dtype].append(loss.detach().double())
            optimizer.step()
        changes[dtype] = {n: p.detach().double() - start[n].double() for n, p in trained(model)}
    tensors = {"losses": torch.stack(losses[torch.float64]), "label0": data[0][1], "label1": data[1][1]}
    for n, c in changes[torch.float64].items():
        tensors[f"change.{n}.norm"], tensors[f"change.{n}.samples"] = c.norm().reshape(1), samples(c)
    save("updates.safetensors", tensors, {
        "case": name, "weights": case, "depth": str(depth), "classes": str(classes), "height": str(side), "width": str(side), "updates": str(updates),
        "rate": repr(rate), "momentum": "0.9", "power": "0.9", "weight_decay": repr(decay), "head_multiplier": str(head)})
    print("  losses", " ".join(f"{float(v):.4f}" for v in losses[torch.float64]))
    each = [distance(changes[torch.float32][n], c) for n, c in changes[torch.float64].items()]
    print(f"  float32 from float64: losses {max(distance(a, b) for a, b in zip(losses[torch.float32], losses[torch.float64])):.1e}, changes {max(each):.1e}")


if __name__ == "__main__":
    torch.set_num_threads(2)
    make_layers()
    make_networks()
    make_updates()
