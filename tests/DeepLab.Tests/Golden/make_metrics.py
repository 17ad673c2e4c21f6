#!/usr/bin/python3
"""Makes metrics.json: labels, predictions and the measures of them, by numpy.

Run: /usr/bin/python3 tests/DeepLab.Tests/Golden/make_metrics.py

Class 3 is predicted but never labelled (IoU 0), class 4 is in neither (no IoU), and some pixels are labelled 255.
"""
import json
import os

import numpy as np

CLASSES = 6
SIZES = [(7, 9), (5, 12), (11, 4), (6, 6)]
LABELLED = [0, 1, 2, 5]


def measures(images):
    hist = np.zeros((CLASSES, CLASSES), np.int64)
    for labels, predictions in images:
        counted = labels != 255
        cells = CLASSES * labels[counted].astype(np.int64) + predictions[counted]
        hist += np.bincount(cells, minlength=CLASSES ** 2).reshape(CLASSES, CLASSES)
    diagonal, labelled = np.diag(hist), hist.sum(1)
    union = labelled + hist.sum(0) - diagonal
    iou = diagonal / np.maximum(union, 1)
    return {
        "confusion": hist.tolist(),
        "iou": [float(v) if u > 0 else None for v, u in zip(iou, union)],
        "meanIoU": float(iou[union > 0].mean()),
        "pixelAccuracy": float(diagonal.sum() / hist.sum()),
        "meanAccuracy": float((diagonal / np.maximum(labelled, 1))[labelled > 0].mean()),
        "frequencyWeightedIoU": float((labelled / hist.sum() * iou).sum()),
    }


def per_image(labels, predictions):
    """The mean over the labels present of |both| / |either|, on sets of pixels; 255 is background."""
    labels = np.where(labels == 255, 0, labels)
    present = np.unique(labels)
    shares = []
    for c in present:
        a = set(np.flatnonzero(labels == c).tolist())
        b = set(np.flatnonzero(predictions == c).tolist())
        shares.append(len(a & b) / len(a | b))
    return float(np.mean(shares))


def main():
    random = np.random.RandomState(7)
    images = []
    for i, (height, width) in enumerate(SIZES):
        # The last image has no background but what 255 stands for.
        labels = random.choice(LABELLED if i < 3 else LABELLED[1:], size=height * width)
        wrong = random.choice([0, 1, 2, 3, 5], size=height * width)
        predictions = np.where(random.uniform(size=height * width) < 0.7, labels, wrong)
        labels[random.uniform(size=height * width) < 0.1] = 255
        images.append((labels, predictions))
    result = {
        "classes": CLASSES,
        "images": [{"labels": a.tolist(), "predictions": b.tolist(), "meanIoU": per_image(a, b)} for a, b in images],
        "perImageMeanIoU": float(np.mean([per_image(a, b) for a, b in images])),
        **measures(images),
    }
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w") as f:
        json.dump(result, f)
        f.write("\n")


if __name__ == "__main__":
    main()
