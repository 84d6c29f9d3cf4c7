#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What recording costs, and what reading gives.

usage: trace.py BUILD_DIR [--rounds N]

Runs programs under gosan with and without a recording, N times interleaved, takes the least user and system time of
each, and prints for each program: records, bytes per record, nanoseconds per record, and how many records per second
`gosan report` analyses (its whole time, symbols included).
"""
import argparse
import collections
import glob
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = {"locks": ("locks", ["mutex", "1000000"]), "nested": ("locks", ["nested", "500000"]),
            "list": ("list", []), "hash": ("hash", []), "channel": ("goroutines", ["roundtrip", "200000"]),
            "buffered": ("goroutines", ["buffered", "400000"])}


def cpu(argv, env):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    r = subprocess.run(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if r.returncode not in (0, 66, 77):
        sys.exit(f"{argv}: status {r.returncode}\n{r.stdout[-2000:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, r.stdout


def build(gosan, scratch, name, build_dir):
    out = os.path.join(scratch, name)
    argv = [gosan, "cc", "-O2", "-g", "-w", "-D_GNU_SOURCE", f"-I{build_dir}/include", HERE / f"{name}.c", "-o", out,
            "-lpthread", "-lm"]
    r = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    return out if r.returncode == 0 else print(f"{name}: {r.stderr[-300:]}")


def size_of(trace):
    """Bytes that were written: segments count as far as they are filled."""
    return sum(len(open(f, "rb").read().rstrip(b"\0")) for f in glob.glob(f"{trace}/*/stream.*"))


def measure(a, scratch, name, program, args):
    env = {k: v for k, v in os.environ.items() if not k.startswith("GOSAN")}
    env["LD_PRELOAD"] = os.path.join(a.build, "lib", "libgosan.so")
    env["GO_PROCS"] = "1"
    least, trace = collections.defaultdict(lambda: 1e9), os.path.join(scratch, "t")
    for _ in range(a.rounds):
        for kind in ("off", "on"):
            shutil.rmtree(trace, ignore_errors=True)
            env["GOSAN_OPTIONS"] = "quiet=1" + (f":trace={trace}" if kind == "on" else "")
            least[kind] = min(least[kind], cpu([program] + args, env)[0])
    del env["LD_PRELOAD"], env["GOSAN_OPTIONS"]
    seconds, text = cpu([os.path.join(a.build, "bin", "gosan"), "report", trace], env)
    n = sum(int(m.replace(",", "")) for m in re.findall(r"([\d,]+) (?:events|accesses)", text.splitlines()[-1]))
    bytes_written = size_of(trace)
    print(f"{name:10} {n:>10} {bytes_written / n:>8.1f} {(least['on'] - least['off']) / n * 1e9:>8.1f} "
          f"{least['on'] / least['off']:>6.2f} {n / seconds / 1e6:>8.1f}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    a.build = os.path.abspath(a.build)
    print(f"{'program':10} {'records':>10} {'bytes':>8} {'ns':>8} {'ratio':>6} {'M/s read':>8}")
    with tempfile.TemporaryDirectory(prefix="gosan-bench-") as scratch:
        for name, (source, args) in PROGRAMS.items():
            program = build(os.path.join(a.build, "bin", "gosan"), scratch, source, a.build)
            if program:
                measure(a, scratch, name, program, args)


main()
