#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What gosan costs, next to its peers, in one interleaved run.

usage: bench.py BUILD_DIR [--rounds N] [--json FILE] [--only NAME]...

Builds the programs beside this file into a scratch directory, runs every variant of every program N times in an
order that is shuffled anew each round, and prints medians and ratios. A peer that is not installed is left out
and named with the reason. Exit status 1 when one of gosan's own variants fails or reports a finding.
"""
import argparse
import collections
import json
import math
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 120  # seconds per run
THREADS = ("matmul", "hash", "tree", "memcpy")
# Operations: alone, and under a detector. Enough for at least some 20 ms each.
GOROUTINES = {"spawn": (100_000, 100_000), "roundtrip": (500_000, 100_000), "buffered": (2_000_000, 200_000),
              "select": (500_000, 100_000), "mutex": (5_000_000, 200_000), "fanout": (500_000, 50_000)}
PROCS = (1, 2)
CLANG = next((c for c in ("clang-14", "clang") if shutil.which(c)), "clang-14")
Job = collections.namedtuple("Job", "name variant procs argv env")
Sample = collections.namedtuple("Sample", "value cpu_us rss_kb")  # value: us of CPU, or ns per operation


class Bench:
    def __init__(self, build, scratch):
        self.build, self.scratch = build.resolve(), scratch
        self.gosan = self.build / "bin" / "gosan"
        self.skipped = {}  # peer: reason
        self.failures = []
        self.jobs = []
        self.samples = collections.defaultdict(list)  # (name, variant, procs): [Sample]

    def compile(self, argv, peer=None, cwd=None):
        """True when it worked. What a peer cannot do skips the peer; what is ours must work."""
        if peer in self.skipped:
            return False
        if peer and not shutil.which(argv[0]):
            self.skipped[peer] = f"{argv[0]} is not installed"
            return False
        done = subprocess.run([str(a) for a in argv], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        if done.returncode == 0:
            return True
        reason = (done.stdout.strip().splitlines() or ["no output"])[-1]
        if not peer:
            sys.exit(f"bench: {' '.join(map(str, argv))}: status {done.returncode}: {reason}")
        self.skipped[peer] = f"does not build: {reason}"
        return False

    def add(self, name, variant, argv, procs=None):
        env = {"GO_PROCS": str(procs), "GOMAXPROCS": str(procs)} if procs else {}
        self.jobs.append(Job(name, variant, procs, [str(a) for a in argv], env))

    def threads(self, names):
        """Programs with pthreads: native, gosan, and the two ThreadSanitizers."""
        for name in names:
            source, out = HERE / f"{name}.c", self.scratch / name
            flags = ["-O2", "-g", "-pthread", source, "-o"]
            self.compile(["gcc", *flags, f"{out}.native"])
            self.add(name, "native", [f"{out}.native"])
            self.compile([self.gosan, "cc", *flags, f"{out}.gosan"])
            self.add(name, "gosan", [self.gosan, "run", "--quiet", f"{out}.gosan"])
            for peer, compiler in (("gcc tsan", "gcc"), ("clang tsan", CLANG)):
                binary = f"{out}.{compiler}"
                if self.compile([compiler, "-fsanitize=thread", *flags, binary], peer):
                    self.add(name, peer, [binary])

    def goroutines(self, names):
        """Programs on goroutine.h: alone and under gosan, and the same in Go: alone and with -race."""
        source, out, lib = HERE / "goroutines.c", self.scratch / "goroutines", self.build / "lib"
        self.compile(["gcc", "-O2", "-g", "-I", self.build / "include", source, "-o", f"{out}.native",
                      "-L", lib, "-lgoroutine", f"-Wl,-rpath,{lib}"])
        self.compile([self.gosan, "cc", "-O2", source, "-o", f"{out}.gosan"])
        variants = [("native", 0, [f"{out}.native"]),
                    ("gosan", 1, [self.gosan, "run", "--quiet", f"{out}.gosan"])]
        for peer, watched, flags in (("go", 0, []), ("go -race", 1, ["-race"])):
            binary = self.scratch / f"go{watched}"
            if self.compile(["go", "build", *flags, "-o", binary, "."], peer, HERE / "go"):
                variants.append((peer, watched, [binary]))
        for name in names:
            for procs in PROCS:
                for variant, watched, argv in variants:
                    self.add(name, variant, [*argv, name, GOROUTINES[name][watched]], procs)

    def measure(self, job):
        """One run: a Sample, or the reason why there is none."""
        cost = self.scratch / "cost"
        cost.unlink(missing_ok=True)
        with subprocess.Popen([str(self.scratch / "meter"), str(cost), *job.argv], env={**os.environ, **job.env},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", start_new_session=True) as run:
            try:
                output, _ = run.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return f"stopped after {TIMEOUT} s"
        if run.returncode:
            return f"status {run.returncode}: {(output.strip().splitlines() or ['no output'])[0]}"
        cpu_us, rss_kb = map(int, cost.read_text().split())
        if job.procs:
            ops, ns = map(int, output.split())
            return Sample(ns / ops, cpu_us, rss_kb)
        return Sample(cpu_us, cpu_us, rss_kb)

    def run(self, rounds):
        self.compile(["gcc", "-O2", HERE / "meter.c", "-o", self.scratch / "meter"])
        for n in range(rounds):
            order = list(self.jobs)
            random.shuffle(order)
            for i, job in enumerate(order):
                if sys.stderr.isatty():
                    print(f"\rround {n + 1}/{rounds}, {i + 1}/{len(order)} ", end="", file=sys.stderr, flush=True)
                if job.variant in self.skipped:
                    continue
                sample = self.measure(job)
                if isinstance(sample, Sample):
                    self.samples[job.name, job.variant, job.procs].append(sample)
                elif job.variant in ("native", "gosan"):
                    self.failures.append(f"{job.name}, {job.variant}, {job.procs or 'threads'}: {sample}")
                else:
                    self.skipped[job.variant] = f"does not run here: {sample}"
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)

    def median(self, field, *key):
        samples = self.samples.get(key)
        return statistics.median(getattr(s, field) for s in samples) if samples else None


def cell(value, form="{:.0f}"):
    return "-" if value is None else form.format(value)


def ratio(a, b):
    return a / b if a is not None and b else None


def geomean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def print_table(head, rows):
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    rule = ["-" * (w - 1) + (":" if i else "-") for i, w in enumerate(widths)]
    for row in (head, rule, *rows):
        print("| " + " | ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))) + " |")
    print()


def threads_table(bench, names):
    head = ["threads", "native ms", "gosan ms", "gcc tsan ms", "clang tsan ms", "gosan/native", "gosan/gcc",
            "gosan/clang", "RSS MB native", "gosan", "gcc", "clang"]
    variants, rows, ratios = ("native", "gosan", "gcc tsan", "clang tsan"), [], []
    for name in names:
        ms = [bench.median("value", name, v, None) for v in variants]
        rss = [bench.median("rss_kb", name, v, None) for v in variants]
        ratios.append([ratio(ms[1], ms[i]) for i in (0, 2, 3)])
        rows.append([name, *(cell(ratio(m, 1000)) for m in ms), *(cell(r, "{:.2f}") for r in ratios[-1]),
                     *(cell(ratio(r, 1024), "{:.1f}") for r in rss)])
    rows.append(["geometric mean", *[""] * 4, *(cell(geomean(c), "{:.2f}") for c in zip(*ratios)), *[""] * 4])
    print_table(head, rows)


def goroutines_table(bench, names):
    head = ["goroutines", "processors", "native ns", "go ns", "native/go", "gosan ns", "go -race ns", "gosan/race",
            "gosan/native"]
    rows, ratios = [], []
    for name in names:
        for procs in PROCS:
            native, go, gosan, race = (bench.median("value", name, v, procs)
                                       for v in ("native", "go", "gosan", "go -race"))
            ratios.append([ratio(native, go), ratio(gosan, race), ratio(gosan, native)])
            first, second, third = (cell(r, "{:.2f}") for r in ratios[-1])
            rows.append([name, str(procs), cell(native, "{:.1f}"), cell(go, "{:.1f}"), first,
                         cell(gosan), cell(race), second, third])
    first, second, third = (cell(geomean(c), "{:.2f}") for c in zip(*ratios))
    rows.append(["geometric mean", "", "", "", first, "", "", second, third])
    print_table(head, rows)


def versions():
    """What the figures depend on, first line of each."""
    found = {"cores": str(os.cpu_count())}
    for name, argv in (("gcc", ["gcc", "--version"]), ("clang", [CLANG, "--version"]), ("go", ["go", "version"])):
        if shutil.which(argv[0]):
            found[name] = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False).stdout.split("\n")[0]
    return found


def write_json(path, bench, rounds):
    results = [{"name": n, "variant": v, "processors": p, "unit": "ns per operation" if p else "us of CPU",
                "median": bench.median("value", n, v, p), "rss_kb": bench.median("rss_kb", n, v, p),
                "samples": [s._asdict() for s in s_]} for (n, v, p), s_ in sorted(bench.samples.items(), key=str)]
    path.write_text(json.dumps({"rounds": rounds, "versions": versions(), "skipped": bench.skipped,
                                "failures": bench.failures, "results": results}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--only", action="append", metavar="NAME", choices=[*THREADS, *GOROUTINES])
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds: at least 1")
    if not shutil.which("gcc"):
        print("skipped: everything: gcc is not installed")
        return 77
    threads = [n for n in THREADS if n in (args.only or THREADS)]
    goroutines = [n for n in GOROUTINES if n in (args.only or GOROUTINES)]
    with tempfile.TemporaryDirectory(prefix="gosan-bench-") as scratch:
        bench = Bench(args.build, pathlib.Path(scratch))
        if not bench.gosan.exists():
            sys.exit(f"bench: {bench.gosan}: build gosan first")
        bench.threads(threads)
        if goroutines:
            bench.goroutines(goroutines)
        bench.run(args.rounds)
    if threads:
        threads_table(bench, threads)
    if goroutines:
        goroutines_table(bench, goroutines)
    for peer, reason in bench.skipped.items():
        print(f"skipped: {peer}: {reason}")
    for failure in bench.failures:
        print(f"failed: {failure}")
    if args.json:
        write_json(args.json, bench, args.rounds)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
