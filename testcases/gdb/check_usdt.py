#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The static tracepoints of a built libgoroutine.so, as a tracer reads them from the file.

usage: check_usdt.py LIBRARY PROBE_H

Each entry of the probes' table has a point with as many arguments; each point is a nop in code. The points of a
mutex have a semaphore, which lies where the kernel can count in it, and which is the word that inline locks look at.
"""
import pathlib
import re
import subprocess
import sys

NOPS = {"X86-64": b"\x90", "AArch64": b"\x1f\x20\x03\xd5"}
WITH_SEMAPHORE = {"lock_acquire", "lock_release"}
ARGUMENT = re.compile(r"-?8@\S+")


def readelf(*argv):
    return subprocess.run(["readelf", "-W", *argv], check=True, capture_output=True, text=True).stdout


def entries(probe_h):
    """name -> number of arguments"""
    table = probe_h.read_text().split("struct go_probes {")[1].split("\n};")[0]
    found = re.findall(r"void \(\*(\w+)\)\(([^)]*)\);", table)
    return {name: 0 if args == "void" else args.count(",") + 1 for name, args in found}


def points(library):
    """[(name, address, semaphore, [argument])] of our provider"""
    note = re.compile(r"Provider: goroutine\s+Name: (\w+)\s+Location: (\w+), Base: \w+, Semaphore: (\w+)\s+Arguments:(.*)")
    return [(m[1], int(m[2], 16), int(m[3], 16), m[4].split()) for m in note.finditer(readelf("-n", library))]


def segments(library):
    """[(file offset, address, size in the file, flags)]"""
    load = re.compile(r"^\s+LOAD\s+(0x\w+) (0x\w+) 0x\w+ (0x\w+) 0x\w+ ([RWE ]{3})", re.M)
    return [(int(m[1], 16), int(m[2], 16), int(m[3], 16), m[4]) for m in load.finditer(readelf("-l", library))]


def place(loads, address, flag):
    """Where in the file, or None when it isn't in a segment with this permission."""
    for offset, start, size, flags in loads:
        if start <= address < start + size and flag in flags:
            return offset + address - start
    return None


def symbol(library, name):
    m = re.search(rf"^\s*\d+: (\w+) .* {name}$", readelf("--dyn-syms", library), re.M)
    return int(m[1], 16) if m else None


def problems(library, probe_h):
    wanted, found, loads = entries(probe_h), points(library), segments(library)
    code, counter = pathlib.Path(library).read_bytes(), symbol(library, "go_watched_")
    nop = next((n for machine, n in NOPS.items() if machine in readelf("-h", library)), None)
    if len(wanted) < 30 or nop is None or counter is None:
        yield f"not understood: {len(wanted)} entries in {probe_h}, nop {nop}, go_watched_ at {counter}"
        return
    for name in sorted(wanted.keys() - {p[0] for p in found}):
        yield f"{name}: no point"
    for name, address, semaphore, args in found:
        if name not in wanted:
            yield f"{name}: a point that is no probe"
        elif len(args) != wanted[name] or not all(ARGUMENT.fullmatch(a) for a in args):
            yield f"{name}: arguments {args}, the probe has {wanted[name]}"
        at = place(loads, address, "E")
        if at is None or code[at:at + len(nop)] != nop:
            yield f"{name}: no nop at {address:#x}"
        if semaphore != (counter if name in WITH_SEMAPHORE else 0):
            yield f"{name}: semaphore {semaphore:#x}"
    if place(loads, counter, "W") is None:
        yield f"go_watched_ at {counter:#x} isn't in the file and writable"
    print(f"{len(found)} points of {len(wanted)} probes")


def main():
    bad = list(problems(sys.argv[1], pathlib.Path(sys.argv[2])))
    for problem in bad:
        print(problem)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
