"""Writes the golden files of what `deeplab predict` reads and writes, to tests/DeepLab.Tests/Golden/predict. Needs NumPy and Pillow.

    /usr/bin/python3 tests/reference/make_predict.py

exif1.jpg … exif8.jpg: one scene with EXIF's orientation 1 to 8 (even ones big-endian), and exifN.rgb, the pixels [height, width, 3] that Pillow's exif_transpose makes of it.

coco-labels.png and coco.json: a label image, and for each label its mask as COCO has it, computed here from the format's facts: runs of other pixels and of the mask's in turn down the columns; compressed, a
number's five lowest bits go first, 48 is added to every character and 32 to those that others follow, and from the fourth run on the number is the difference to the run two before. The last entry of
coco.json, without label, is a mask that pycocotools itself compressed (50×70 pixels; from the README of github.com/armengot/COCOtoolsFORK): the code here must read it and write the same.
"""
import json
import os
import struct

import numpy as np
from PIL import Image, ImageOps

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepLab.Tests", "Golden", "predict")

PYCOCOTOOLS = (50, 70, "0g05b08J4M2N2NA^O1`0OCO=0E090H080IO68DH;>@C>a0_O_O`0j0OWOF<:CM72I24NL43JM92FN;1ENKO72L0LO91J0MO92INO0NO122OO0M031O000NO31OO11MO40N011MO41MO21L06OL021L06OL021L06OL021L060J040L060"
               "J040L060J040L060J040L060J040L060J040L060KO31L060KO31L06OL021L06OL021L06OL021MO41MO21MO40N100NO310O00M0310O00NO1220NO92IONO91KOMO72M0<1EO:2GN63KM34OLM73JF<;=1G_O_Ob0=AC`07EH=1IO71H090F0:1DO>1_O1b0>2N2N3L6H]O")


def runs(mask):
    flat = mask.flatten(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return ([0] if flat[0] else []) + lengths


def compress(counts):
    text = ""
    for i, count in enumerate(counts):
        number = count - counts[i - 2] if i > 2 else count
        while True:
            low, number = number & 31, number >> 5
            last = number == (-1 if low & 16 else 0)
            text += chr(48 + low + (0 if last else 32))
            if last:
                break
    return text


def decompress(text):
    counts, number, shift = [], 0, 0
    for character in text:
        code = ord(character) - 48
        number |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            number -= 1 << shift
        counts.append(number + counts[-2] if len(counts) > 2 else number)
        number = shift = 0
    return counts


def coco():
    height, width = 43, 70
    y, x = np.mgrid[0:height, 0:width]
    labels = np.zeros((height, width), np.uint8)
    labels[(x - 20) ** 2 + (y - 18) ** 2 < 150] = 1
    labels[:, 40:44] = 2                          # whole columns: one run
    labels[(x > 50) & ((x * 7 + y * 3) % 5 < 2)] = 3  # many short runs
    labels[-1, -1] = 20                           # the last pixel alone
    labels[0, 0] = 7                              # the first pixel alone
    Image.fromarray(labels).save(os.path.join(OUT, "coco-labels.png"))
    entries = []
    for label in np.unique(labels).tolist():
        mask = labels == label
        counts = runs(mask)
        assert sum(counts) == mask.size and decompress(compress(counts)) == counts
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
        entries.append({"label": label, "area": int(mask.sum()), "bbox": [int(v) for v in box], "counts": counts, "compressed": compress(counts)})
    height, width, text = PYCOCOTOOLS
    counts = decompress(text)
    assert sum(counts) == height * width and min(counts[1:]) > 0 and compress(counts) == text
    entries.append({"counts": counts, "compressed": text})
    with open(os.path.join(OUT, "coco.json"), "w") as f:
        json.dump(entries, f, separators=(",", ":"))
        f.write("\n")


def exif(orientation):
    order = ">" if orientation % 2 == 0 else "<"
    entries = [(0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, struct.pack(order + "HH", orientation, 0)), (0x0128, 3, 1, struct.pack(order + "HH", 2, 0))]
    directory = struct.pack(order + "H", len(entries)) + b"".join(struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in entries) + bytes(4)
    return b"Exif\0\0" + (b"MM" if order == ">" else b"II") + struct.pack(order + "HI", 42, 8) + directory


def photographs():
    y, x = np.mgrid[0:11, 0:17]
    scene = np.stack([x * 14, y * 22, (x * y * 3) % 256], -1).astype(np.uint8)
    for orientation in range(1, 9):
        path = os.path.join(OUT, f"exif{orientation}.jpg")
        Image.fromarray(scene).save(path, "JPEG", quality=90, subsampling=0, exif=exif(orientation))
        with Image.open(path) as image, open(path[:-4] + ".rgb", "wb") as f:
            f.write(np.asarray(ImageOps.exif_transpose(image)).tobytes())


os.makedirs(OUT, exist_ok=True)
coco()
photographs()
