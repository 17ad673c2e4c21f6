#!/usr/bin/env python3
"""Reads TensorBoard event files with Google's protobuf and a CRC of its own, and prints what they hold.

    /usr/bin/python3 tests/reference/check_events.py FILE...     (needs python3-protobuf; images are decoded with Pillow)

Exits with 1 where a record's checksum, its fields or an image are wrong. The schema is written from the field numbers of
tensorboard/compat/proto/event.proto and summary.proto.
"""
import io
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image

Field = descriptor_pb2.FieldDescriptorProto


def event_class():
    file = descriptor_pb2.FileDescriptorProto(name="check_events.proto", package="check", syntax="proto3")

    def message(name, *fields):
        kind = file.message_type.add(name=name)
        for number, field, kind_of, label in fields:
            added = kind.field.add(name=field, number=number, label=label)
            if isinstance(kind_of, str):
                added.type, added.type_name = Field.TYPE_MESSAGE, f".check.{kind_of}"
            else:
                added.type = kind_of

    one, many = Field.LABEL_OPTIONAL, Field.LABEL_REPEATED
    message("Image", (1, "height", Field.TYPE_INT32, one), (2, "width", Field.TYPE_INT32, one),
            (3, "colorspace", Field.TYPE_INT32, one), (4, "encoded_image_string", Field.TYPE_BYTES, one))
    message("Value", (1, "tag", Field.TYPE_STRING, one), (2, "simple_value", Field.TYPE_FLOAT, one), (4, "image", "Image", one))
    message("Summary", (1, "value", "Value", many))
    message("Event", (1, "wall_time", Field.TYPE_DOUBLE, one), (2, "step", Field.TYPE_INT64, one),
            (3, "file_version", Field.TYPE_STRING, one), (5, "summary", "Summary", one))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("check.Event"))


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    data, position = open(path, "rb").read(), 0
    while position < len(data):
        length_field = data[position:position + 8]
        length, = struct.unpack("<Q", length_field)
        end = position + 12 + length
        assert end + 4 <= len(data), f"the record at byte {position} is cut"
        assert struct.unpack_from("<I", data, position + 8)[0] == masked_crc(length_field), f"checksum of the length at byte {position}"
        content = data[position + 12:end]
        assert struct.unpack_from("<I", data, end)[0] == masked_crc(content), f"checksum of the data at byte {position}"
        yield content
        position = end + 4


def main(paths):
    event_type = event_class()
    for path in paths:
        print(path)
        for index, content in enumerate(records(path)):
            event = event_type()
            event.ParseFromString(content)
            assert not event.FindInitializationErrors() and len(event.SerializeToString()) == len(content), "fields that are not known"
            assert (event.file_version == "brain.Event:2") == (index == 0), "the first event alone has the version"
            for value in event.summary.value:
                shown = f"{value.simple_value:.7g}"
                if value.HasField("image"):
                    image = Image.open(io.BytesIO(value.image.encoded_image_string))
                    image.load()
                    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (value.image.width, value.image.height))
                    assert value.image.colorspace == 3
                    shown = f"PNG {image.size[0]}x{image.size[1]}"
                print(f"  {event.wall_time:.3f}  {event.step:6d}  {value.tag} = {shown}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except AssertionError as problem:
        sys.exit(f"check_events: {problem}")
