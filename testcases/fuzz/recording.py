#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A recording of a process as an input of fuzz_trace and fuzz_replay.

usage: recording.py FOLDER OUTPUT     e.g. recording.py trace/4711 corpus/trace/leak

Modules and paths are left out of meta: they are the machine's.
"""
import pathlib
import re
import struct
import sys

FILES = ["meta", "page", "actors", "objects", "contexts", "stacks", "stream.1", "stream.2", "stream.3", "counters"]


def main():
    folder, out = pathlib.Path(sys.argv[1]), b""
    for i, name in enumerate(FILES):
        path = folder / name
        if not path.exists():
            continue
        data = path.read_bytes()
        if name == "meta":
            lines = [re.sub(rb"^(program|arg|cwd|options) .*", rb"\1 x", line) for line in data.splitlines()]
            data = b"\n".join(line for line in lines if not line.startswith(b"module ")) + b"\n"
        data = data.rstrip(b"\0")
        for at in range(0, len(data), 65535):
            piece = data[at:at + 65535]
            out += struct.pack("<BH", i, len(piece)) + piece
    pathlib.Path(sys.argv[2]).write_bytes(out)


if __name__ == "__main__":
    main()
