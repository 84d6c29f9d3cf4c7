#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the points where watchers and tracers attach cost while nobody does: instructions of the runtime with them and
of one built without.

usage: probes.py [--check]

Builds the runtime twice into a scratch directory, as it is and with all points taken out of a copy, and lets callgrind
count the instructions of goroutines.c with both on one processor, per operation. That is exact to a tenth of an
instruction, on a busy machine too. --check: exit status 1 when the pipeline, whose goroutines do a microsecond of work on
an item, needs more than 1 % more, or a benchmark that does nothing else than switch or lock more than MOST per
operation. Exit status 77 without valgrind.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RUNTIME = HERE.parent.parent / "runtime"
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-g", "-fPIC", "-fno-omit-frame-pointer", "-fno-tree-loop-distribute-patterns",
         "-fvisibility=hidden"]
# Operations of the two runs, whose difference leaves out start and end.
OPS = {"spawn": (2000, 12000), "roundtrip": (2000, 12000), "buffered": (2000, 12000), "select": (2000, 12000),
       "mutex": (2000, 12000), "fanout": (2000, 12000), "pipeline": (500, 1500)}
MOST = {"roundtrip": 60, "mutex": 8}
SHARE = 0.01  # of the pipeline's instructions


def take_out(source):
    """The points of a copy of the runtime: probes, tracepoints, and the test before an inline lock."""
    path = source / "probe.h"
    text, n = re.subn(r"#define GO_PROBE\(entry, \.\.\.\)(?:.*\\\n)*.*\n",
                      "#define GO_PROBE(...) do { } while (0)\n#undef GO_USDT\n#define GO_USDT(...) do { } while (0)\n"
                      "#define go_probe_table ((const struct go_probes *)0)\n", path.read_text())
    path.write_text(text)
    path = source / "probe.c"
    text, m = re.subn(r"^(const struct go_probes \*go_probe_table;)", r"#undef go_probe_table\n\1", path.read_text(), flags=re.M)
    path.write_text(text)
    path = source / "goroutine.h"
    text, k = re.subn(r"\*\(volatile unsigned short \*\)&go_watched_ != 0", "0", path.read_text())
    path.write_text(text)
    if (n, m, k) != (1, 1, 2):
        sys.exit(f"probes: the points are not where they were: {n} {m} {k}")


def build(source, out):
    """The benchmark on a runtime of its own."""
    out.mkdir()
    library = out / "libgoroutine.so"
    code = [str(p) for p in sorted(source.glob("*.c"))] + [str(source / "arch" / os.uname().machine / "switch.S")]
    subprocess.run(["cc", *FLAGS, "-w", "-shared", "-Wl,-soname,libgoroutine.so", "-o", library, *code, "-pthread", "-ldl"],
                   check=True)
    program = out / "goroutines"
    subprocess.run(["cc", "-O2", "-g", "-I", source, HERE / "goroutines.c", "-o", program, library, f"-Wl,-rpath,{out}",
                    "-pthread"], check=True)
    return program


def count(program, name, ops):
    env = {**os.environ, "GO_PROCS": "1", "GO_SEED": "1"}
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, name, str(ops)], env=env,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"probes: {name}: status {done.returncode}\n{done.stderr}")
    return int(found.group(1))


def per_operation(program, name):
    few, many = OPS[name]
    # The warm-up of a tenth is counted, too.
    return (count(program, name, many) - count(program, name, few)) / ((many - few) * 1.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        return 77
    problems = []
    with tempfile.TemporaryDirectory(prefix="gosan-probes-") as scratch:
        copy = pathlib.Path(scratch) / "source"
        shutil.copytree(RUNTIME, copy)
        take_out(copy)
        without, has = build(copy, pathlib.Path(scratch) / "without"), build(RUNTIME, pathlib.Path(scratch) / "with")
        print("| instructions per operation | without points | with | more | share |\n| --- | ---: | ---: | ---: | ---: |")
        for name in OPS if not args.check else ("pipeline", *MOST):
            bare, full = per_operation(without, name), per_operation(has, name)
            print(f"| {name} | {bare:.1f} | {full:.1f} | {full - bare:.1f} | {(full / bare - 1) * 100:.1f} % |")
            if name in MOST and full - bare > MOST[name]:
                problems.append(f"{name}: {full - bare:.1f} instructions for points, more than {MOST[name]}")
            if name == "pipeline" and full / bare - 1 > SHARE:
                problems.append(f"{name}: {(full / bare - 1) * 100:.1f} % for points")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if args.check and problems else 0


if __name__ == "__main__":
    sys.exit(main())
