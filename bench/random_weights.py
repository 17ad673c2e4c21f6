"""Writes a safetensors file of a DeepLab-ResNet with random weights, for measurements: random_weights.py DEPTH FILE"""
import json, os, struct, sys
import torch
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "reference"))
import deeplab_torch as reference

depth, path = int(sys.argv[1]), sys.argv[2]
torch.manual_seed(1)
model = reference.MultiScale(depth, 21)
reference.init_from_scratch(model)
state = {n: t.detach().contiguous().numpy().tobytes() for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
header, at = {}, 0
for name, data in state.items():
    header[name] = dict(dtype="F32", shape=list(model.state_dict()[name].shape), data_offsets=[at, at + len(data)])
    at += len(data)
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)  # as the format's own library does
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(state.values()))
