"""Writes the golden marginals that DeepLab.Tests compares the dense CRF with, from pydensecrf (Krähenbühl's C++).

    python3 tests/reference/make_crf_golden.py             needs pydensecrf, NumPy and Pillow
    python3 tests/reference/make_crf_golden.py --check     needs NumPy and Pillow: compares the files with the plain filter below

Inputs in tests/DeepLab.Tests/Golden/crf: photo.png (RGB) and photo-scores.npy, float32 [classes, h/8+1, w/8+1] before the softmax; they are resized
bilinearly on the aligned-corners grid. Outputs: photo-labels.png, the arg-max of the marginals at every pixel, and photo-marginals.npy, float32
[classes, h/2, w/2], the marginals of every second row and column.

Ten steps; smoothness weight 3, σxy 1; appearance weight 4, σxy 67, σrgb 3; unary −log p; symmetric normalisation, which is pydensecrf's default.
"""
import os, sys
import numpy as np
from PIL import Image

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepLab.Tests", "Golden", "crf")
STEPS, SMOOTHNESS, APPEARANCE, NEAR, FAR, COLOR = 10, 3, 4, 1, 67, 3


def path(name):
    return os.path.join(GOLDEN, name)


def resize(scores, height, width):
    for axis, outputs in ((1, height), (2, width)):
        inputs = scores.shape[axis]
        at = np.arange(outputs) * (inputs - 1) / (outputs - 1)
        low = np.minimum(at.astype(int), inputs - 1)
        share = (at - low).reshape([-1 if i == axis else 1 for i in range(3)])
        scores = scores.take(low, axis) * (1 - share) + scores.take(np.minimum(low + 1, inputs - 1), axis) * share
    return scores


def softmax(scores, axis):
    e = np.exp(scores - scores.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def pydensecrf_marginals(image, probabilities):
    import pydensecrf.densecrf as dcrf
    classes, height, width = probabilities.shape
    crf = dcrf.DenseCRF2D(width, height, classes)
    crf.setUnaryEnergy(np.ascontiguousarray(-np.log(probabilities).reshape(classes, -1), dtype=np.float32))
    crf.addPairwiseGaussian(sxy=NEAR, compat=SMOOTHNESS)
    crf.addPairwiseBilateral(sxy=FAR, srgb=COLOR, rgbim=np.ascontiguousarray(image), compat=APPEARANCE)
    return np.array(crf.inference(STEPS), dtype=np.float32).reshape(classes, height, width)


class Filter:
    """The Gaussian filter of Adams, Baek and Davis (2010) on a permutohedral lattice; single precision where simplices are chosen."""

    def __init__(self, features):
        features = features.astype(np.float32)
        points, d = features.shape
        elevated, total = np.zeros((points, d + 1), np.float32), np.zeros(points, np.float32)
        for i in range(d, 0, -1):
            feature = features[:, i - 1] * np.float32(1 / np.sqrt((i + 1) * i) * np.float32(np.sqrt(2 / 3) * (d + 1)))
            elevated[:, i] = total - i * feature
            total = total + feature
        elevated[:, 0] = total
        nearest = np.rint(elevated * np.float32(1 / (d + 1))).astype(int) * (d + 1)
        order = np.argsort(nearest - elevated, axis=1, kind="stable")
        rank = np.argsort(order, axis=1) + nearest.sum(1, keepdims=True) // (d + 1)
        wrap = np.where(rank < 0, d + 1, np.where(rank > d, -d - 1, 0))
        rank, nearest = rank + wrap, nearest + wrap
        scaled, shares, rows = (elevated - nearest) / (d + 1), np.zeros((points, d + 2)), np.arange(points)
        for i in range(d + 1):
            shares[rows, d - rank[:, i]] += scaled[:, i]
            shares[rows, d + 1 - rank[:, i]] -= scaled[:, i]
        shares[:, 0] += 1 + shares[:, d + 1]
        self.weights = shares[:, :d + 1]
        corner = np.arange(d + 1)[None, :, None]
        vertices = nearest[:, None, :] + corner - (d + 1) * (rank[:, None, :] > d - corner)
        keys, self.at = np.unique(vertices.reshape(-1, d + 1), axis=0, return_inverse=True)
        self.at = self.at.reshape(points, d + 1)
        self.number = {tuple(key): i for i, key in enumerate(keys)}
        self.neighbours = []
        for direction in range(d + 1):
            step = np.ones(d + 1, int)
            step[direction] = -d
            self.neighbours.append([np.array([self.number.get(tuple(k), len(keys)) for k in keys + sign * step]) for sign in (-1, 1)])
        self.root = 1 / np.sqrt(self.raw(np.ones((points, 1))))

    def raw(self, values):
        sums = np.zeros((len(self.number) + 1, values.shape[1]))
        for corner in range(self.at.shape[1]):
            np.add.at(sums, self.at[:, corner], self.weights[:, corner, None] * values)
        for one, other in self.neighbours:
            blurred = sums.copy()
            blurred[:-1] += (sums[one] + sums[other]) / 2
            sums = blurred
        return (self.weights[:, :, None] * sums[self.at]).sum(1)

    def __call__(self, values):
        return self.root * self.raw(self.root * values)


def plain_marginals(image, probabilities):
    classes, height, width = probabilities.shape
    y, x = np.mgrid[:height, :width]
    position = np.stack([x, y], -1).reshape(-1, 2).astype(np.float32)
    color = image.reshape(-1, 3).astype(np.float32) / np.float32(COLOR)
    near, far = Filter(position / np.float32(NEAR)), Filter(np.concatenate([position / np.float32(FAR), color], 1))
    logs = np.log(probabilities.reshape(classes, -1).T)
    marginals = softmax(logs, 1)
    for _ in range(STEPS):
        marginals = softmax(logs + SMOOTHNESS * near(marginals) + APPEARANCE * far(marginals), 1)
    return marginals.T.reshape(classes, height, width)


def main():
    image = np.array(Image.open(path("photo.png")).convert("RGB"))
    probabilities = softmax(resize(np.load(path("photo-scores.npy")).astype(np.float64), *image.shape[:2]), 0)
    if "--check" in sys.argv:
        marginals = plain_marginals(image, probabilities)
        error = np.abs(marginals[:, ::2, ::2] - np.load(path("photo-marginals.npy")))
        same = (marginals.argmax(0) == np.array(Image.open(path("photo-labels.png")))).mean()
        print(f"marginals differ by {error.mean():.2g} on average and {error.max():.2g} at most; {same:.4%} of the labels agree")
        return
    marginals = pydensecrf_marginals(image, probabilities)
    np.save(path("photo-marginals.npy"), np.ascontiguousarray(marginals[:, ::2, ::2]))
    Image.fromarray(marginals.argmax(0).astype(np.uint8)).save(path("photo-labels.png"))


main()
