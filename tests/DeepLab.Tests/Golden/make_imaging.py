#!/usr/bin/python3
"""Makes the fixtures of the Imaging tests in imaging/ beside this script.

For each image NAME.jpg or NAME.png there is NAME.rgb, its pixels [height, width, 3] in bytes; for label images
NAME.labels, [height, width]. JPEG pixels are what PIL (over libjpeg-turbo) decodes; PNG pixels are those that
were put in, checked against PIL where PIL can read them. resize_HxWxC_to_HxW.bin holds the float32 source and,
after it, also as float32, what PyTorch's F.interpolate(mode='bilinear', align_corners=False) makes of it in
float64. Everything is seeded.

Needs numpy, Pillow and torch: /usr/bin/python3 make_imaging.py
"""
import os
import struct
import zlib

import numpy as np
import torch
from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "imaging")
RNG = np.random.default_rng(7)


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)


def scene(height, width):
    """A smooth gradient, a disc and some noise: something for every DCT coefficient."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([255 * x / width, 255 * y / height, 127 + 100 * np.sin(x / 3 + y / 5)], -1)
    rgb[(x - width / 2) ** 2 + (y - height / 3) ** 2 < (height / 4) ** 2] = (220, 40, 90)
    return np.clip(rgb + RNG.normal(0, 6, rgb.shape), 0, 255).astype(np.uint8)


def jpegs():
    def save(name, image, **options):
        path = os.path.join(OUT, name + ".jpg")
        image.save(path, "JPEG", **options)
        with Image.open(path) as decoded:
            if decoded.mode != "CMYK":
                write(name + ".rgb", np.asarray(decoded.convert("RGB")).tobytes())

    image = Image.fromarray(scene(37, 45))
    save("gray", image.convert("L"), quality=85)
    save("rgb420", image, quality=85, subsampling=2)
    save("rgb422", image, quality=70, subsampling=1)
    save("rgb444", image, quality=92, subsampling=0)
    save("progressive", image, quality=80, progressive=True)
    save("restart", image, quality=80, restart_marker_blocks=2)
    save("tiny1x1", Image.fromarray(scene(1, 1)), quality=90)
    save("odd17x3", Image.fromarray(scene(3, 17)), quality=75)
    save("comment", Image.fromarray(scene(16, 16)), comment=b"x" * 6000, quality=75)
    save("cmyk", image.convert("CMYK"), quality=75)


COLORS = {"gray": 0, "rgb": 2, "palette": 3, "grayalpha": 4, "rgba": 6}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(samples, depth):
    """Filter type 0 and the packed samples of each row."""
    if samples.size == 0:
        return b""
    rows = samples.reshape(samples.shape[0], -1)
    if depth == 16:
        rows = rows.astype(">u2").view(np.uint8)
    elif depth < 8:
        bits = np.unpackbits(rows.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth:]
        rows = np.packbits(bits.reshape(rows.shape[0], -1), axis=1)
    else:
        rows = rows.astype(np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def png(samples, depth, color, palette=None, interlaced=False, extra=b""):
    height, width = samples.shape[:2]
    if interlaced:
        raw = b"".join(pack(samples[y::dy, x::dx], depth) for y, x, dy, dx in ADAM7)
    else:
        raw = pack(samples, depth)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced)))
    if palette is not None:
        out += chunk(b"PLTE", palette.tobytes())
    return out + extra + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def pngs():
    height, width = 11, 13
    palette = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    cases = [("gray", d) for d in (1, 2, 4, 8, 16)] + [("palette", d) for d in (1, 2, 4, 8)]
    cases += [(c, d) for c in ("rgb", "rgba", "grayalpha") for d in (8, 16)]
    for color, depth in cases:
        for interlaced in (False, True):
            kind = COLORS[color]
            samples = RNG.integers(0, 1 << depth, (height, width, CHANNELS[kind]))
            name = f"{color}{depth}{'_adam7' if interlaced else ''}"
            colors = palette[: 1 << depth] if color == "palette" else None
            write(name + ".png", png(samples, depth, kind, colors, interlaced))
            if color == "palette":
                rgb = palette[samples[:, :, 0]]
            else:
                eight = samples >> 8 if depth == 16 else samples * 255 // ((1 << depth) - 1)
                rgb = np.repeat(eight[:, :, :1], 3, axis=2) if color.startswith("gray") else eight[:, :, :3]
            rgb = rgb.astype(np.uint8)
            write(name + ".rgb", rgb.tobytes())
            if color in ("gray", "palette") and depth <= 8:
                write(name + ".labels", samples.astype(np.uint8).tobytes())
            with Image.open(os.path.join(OUT, name + ".png")) as decoded:
                if not (color == "gray" and depth == 16):  # PIL keeps the 16 bits
                    assert np.array_equal(np.asarray(decoded.convert("RGBA"))[:, :, :3], rgb), name

    # Transparency that is not in an alpha channel, and a gamma: both are to leave the pixels alone.
    samples = RNG.integers(0, 4, (height, width, 1))
    extra = chunk(b"gAMA", struct.pack(">I", 100000))
    write("palette_trns.png", png(samples, 2, 3, palette[:4], extra=extra + chunk(b"tRNS", b"\0\x80\xff\0")))
    write("palette_trns.rgb", palette[samples[:, :, 0]].tobytes())

    # Like a photograph's size in its IDAT: not noise, several filters (PIL chooses them).
    Image.fromarray(scene(40, 50)).save(os.path.join(OUT, "scene.png"))
    with Image.open(os.path.join(OUT, "scene.png")) as decoded:
        write("scene.rgb", np.asarray(decoded).tobytes())


def resizing():
    for height, width, channels, new_height, new_width in [
        (7, 5, 3, 13, 9), (13, 9, 3, 5, 4), (1, 1, 3, 3, 2), (6, 11, 1, 6, 22), (9, 4, 21, 4, 17), (5, 8, 2, 5, 8),
    ]:
        source = RNG.normal(0, 100, (height, width, channels)).astype(np.float32)
        maps = torch.from_numpy(source.transpose(2, 0, 1)[None].copy()).double()  # in float32 it rounds the positions
        resized = torch.nn.functional.interpolate(maps, size=(new_height, new_width), mode="bilinear", align_corners=False)
        name = f"resize_{height}x{width}x{channels}_to_{new_height}x{new_width}.bin"
        write(name, source.tobytes() + resized[0].numpy().transpose(1, 2, 0).astype(np.float32).tobytes())


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    jpegs()
    pngs()
    resizing()
