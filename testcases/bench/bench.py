#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What gosan costs, next to its peers, in one interleaved run.

usage: bench.py BUILD_DIR [--rounds N] [--valgrind-rounds N] [--zstd-source DIR] [--json FILE] [--only NAME]...

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
THREADS = ("matmul", "hash", "tree", "memcpy", "qsort", "pipe", "list", "alloc")
# Operations: alone, and under a detector. Enough for at least some 20 ms each.
GOROUTINES = {"spawn": (100_000, 100_000), "spawn1m": (1_000_000, 100_000), "roundtrip": (500_000, 100_000),
              "buffered1": (500_000, 100_000), "buffered": (2_000_000, 200_000), "buffered1024": (2_000_000, 200_000),
              "pipeline": (200_000, 50_000), "select2": (500_000, 100_000), "select": (500_000, 100_000),
              "select4": (500_000, 100_000), "mutex": (5_000_000, 200_000), "mutex100": (2_000_000, 200_000),
              "mutexpark": (500_000, 50_000), "fanout": (500_000, 50_000)}
ALIAS = {"spawn1m": "spawn"}  # the same program with other operations
PROCS = (1, 2)
# Peers that start a thread for each goroutine do less.
PEER_OPS = {"spawn": 5_000, "roundtrip": 20_000, "buffered": 300_000, "mutex": 5_000_000, "fanout": 5_000}
# Peers with one thread; what they have no benchmark for is left out.
DILL = ("spawn", "spawn1m", "roundtrip", "select2", "select", "select4", "fanout")
NECO = tuple(name for name in GOROUTINES if name != "pipeline")
LOCKS = ("mutex", "nested", "read", "write", "spin", "sem")
LOCK_OPS = {"native": 5_000_000, "gosan": 5_000_000, "helgrind": 100_000, "drd": 100_000}
# Installed programs, as they are. DATA is a file of some compressible megabytes, REPO a git repository, OUT scratch.
INSTALLED = {"xz": ["xz", "-T2", "-1", "-k", "-c", "DATA"], "pigz": ["pigz", "-p2", "-k", "-c", "DATA"],
             "zstd": ["zstd", "-q", "-T2", "-9", "-k", "-c", "DATA"],
             "sqlite3": ["sqlite3", ":memory:", "WITH RECURSIVE t(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM t "
                         "WHERE x<2000000) SELECT count(*), sum(x*x % 97) FROM t"],
             "git": ["git", "-C", "REPO", "pack-objects", "--threads=2", "--all", "--stdout", "-q", "--no-reuse-delta"]}
VALGRIND = ("helgrind", "drd")
CLANG = next((c for c in ("clang-14", "clang") if shutil.which(c)), "clang-14")
Job = collections.namedtuple("Job", "name variant procs argv env prints_ns")
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

    def add(self, name, variant, argv, procs=None, prints_ns=False):
        env = {"GO_PROCS": str(procs), "GOMAXPROCS": str(procs)} if procs else {}
        self.jobs.append(Job(name, variant, procs, [str(a) for a in argv], env, prints_ns or bool(procs)))

    def add_valgrind(self, name, argv, **more):
        for tool in VALGRIND:
            if shutil.which("valgrind"):
                self.add(name, tool, ["valgrind", f"--tool={tool}", "-q", *argv], **more)
            else:
                self.skipped[tool] = "valgrind is not installed"

    def threads(self, names):
        """Programs with pthreads: native, gosan, the two ThreadSanitizers, and Valgrind's two tools."""
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
            self.add_valgrind(name, [f"{out}.native"])

    def zstd(self, source):
        """A real program: its command line tool, built four times, packing with two threads."""
        name, data = "zstd built", self.data()
        if not source:
            return
        for variant, compiler in (("native", "gcc"), ("gosan", f"{self.gosan} cc"), ("gcc tsan", "gcc -fsanitize=thread"),
                                  ("clang tsan", f"{CLANG} -fsanitize=thread")):
            where = self.scratch / f"zstd.{variant.replace(' ', '-')}"
            shutil.copytree(source, where)
            peer = variant if "tsan" in variant else None
            if self.compile(["make", "-s", "-C", where / "programs", "zstd", f"CC={compiler}", "HAVE_LZMA=0", "HAVE_LZ4=0",
                             "HAVE_ZLIB=0", "CFLAGS=-O2 -g"], peer):
                run = [where / "programs" / "zstd", "-q", "-T2", "-3", "-k", "-f", data, "-o", self.scratch / "zstd.out"]
                self.add(name, variant, [self.gosan, "run", "--quiet", *run] if variant == "gosan" else run)
                if variant == "native":
                    self.add_valgrind(name, run)

    def data(self, megabytes=24):
        """Compressible and the same every time: words in an order that a counter decides."""
        path = self.scratch / "data"
        if not path.exists():
            words, x = [f"{w:x}-word ".encode() for w in range(4096)], 1
            with path.open("wb") as out:
                while out.tell() < megabytes << 20:
                    line = []
                    for _ in range(256):
                        x = (x * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
                        line.append(words[(x >> 33) % 4096 if x >> 63 else (x >> 40) % 64])
                    out.write(b"".join(line))
        return path

    def locks(self, names):
        """A lock pair in a program that nobody instrumented: alone, watched by gosan, and under Valgrind."""
        binary = self.scratch / "locks"
        self.compile(["gcc", "-O2", "-g", "-pthread", HERE / "locks.c", "-o", binary])
        for name in names:
            self.add(f"lock {name}", "native", [binary, name, LOCK_OPS["native"]], prints_ns=True)
            self.add(f"lock {name}", "gosan", [self.gosan, "run", "--quiet", binary, name, LOCK_OPS["gosan"]],
                     prints_ns=True)
            self.add_valgrind(f"lock {name}", [binary, name, LOCK_OPS["helgrind"]], prints_ns=True)

    def installed(self, names):
        """Programs from the distribution, without and with gosan around them."""
        for name in names:
            if not shutil.which(name):
                self.skipped[name] = "is not installed"
                continue
            argv = [{"DATA": str(self.data()), "REPO": str(HERE)}.get(a, a) for a in INSTALLED[name]]
            self.add(name, "native", argv)
            self.add(name, "gosan", [self.gosan, "run", "--quiet", *argv])

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
        binary = self.scratch / "gccgo"
        if self.compile(["gccgo", "-O2", "-o", binary, HERE / "go" / "main.go"], "gccgo"):
            variants.append(("gccgo", 1, [binary]))
        threads = self.scratch / "pthreads"
        self.compile(["gcc", "-D_GNU_SOURCE", "-O2", HERE / "pthreads.c", "-o", threads, "-lpthread"])
        singles = []  # (peer, program, what it can)
        for peer, can, library, header in (("libdill", DILL, "dill", "libdill.h"), ("neco", NECO, "neco", "neco.h")):
            program = self.scratch / library
            if not self.has_header(header):
                self.skipped[peer] = f"{header} is not installed"
            elif self.compile(["gcc", "-O2", HERE / f"{library}.c", "-o", program, f"-l{library}"], peer):
                singles.append((peer, program, can))
        for name in names:
            real = ALIAS.get(name, name)
            for procs in PROCS:
                for variant, watched, argv in variants:
                    self.add(name, variant, [*argv, real, GOROUTINES[name][watched]], procs)
                if name in PEER_OPS:
                    self.add(name, "pthreads", [threads, name, PEER_OPS[name]], procs)
            for peer, program, can in singles:
                if name in can:
                    self.add(name, peer, [program, real, GOROUTINES[name][0]], 1)

    @staticmethod
    def has_header(name):
        """Does the compiler find it? CPATH and LIBRARY_PATH name places that are not the system's."""
        return subprocess.run(["gcc", "-E", "-include", name, "-x", "c", os.devnull], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def measure(self, job):
        """One run: a Sample, or the reason why there is none."""
        cost = self.scratch / "cost"
        cost.unlink(missing_ok=True)
        with subprocess.Popen([str(self.scratch / "meter"), str(cost), *job.argv], env={**os.environ, **job.env},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if job.prints_ns else subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True) as run:
            try:
                output, complaint = run.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return f"stopped after {TIMEOUT} s"
        if run.returncode:
            return f"status {run.returncode}: {(complaint.strip().splitlines() or ['no output'])[0]}"
        cpu_us, rss_kb = map(int, cost.read_text().split())
        if job.prints_ns:
            ops, ns = map(int, output.split())
            return Sample(ns / ops, cpu_us, rss_kb)
        return Sample(cpu_us, cpu_us, rss_kb)

    def run(self, rounds, valgrind_rounds):
        self.compile(["gcc", "-O2", HERE / "meter.c", "-o", self.scratch / "meter"])
        for n in range(rounds):
            order = list(self.jobs)
            random.shuffle(order)
            for i, job in enumerate(order):
                if sys.stderr.isatty():
                    print(f"\rround {n + 1}/{rounds}, {i + 1}/{len(order)} ", end="", file=sys.stderr, flush=True)
                if job.variant in self.skipped or (job.variant in VALGRIND and n >= valgrind_rounds):
                    continue
                sample = self.measure(job)
                if isinstance(sample, Sample):
                    self.samples[job.name, job.variant, job.procs].append(sample)
                elif job.variant in ("native", "gosan"):
                    self.failures.append(f"{job.name}, {job.variant}, {job.procs or 'threads'}: {sample}")
                elif job.variant in VALGRIND:
                    self.skipped[f"{job.name} under {job.variant}"] = sample
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
    head = ["threads", "native ms", "gosan", "gcc tsan", "clang tsan", "helgrind", "drd", "gosan/native", "gosan/gcc",
            "gosan/clang", "RSS MB native", "gosan", "gcc", "clang", "gosan/native"]
    variants, rows, ratios = ("native", "gosan", "gcc tsan", "clang tsan", *VALGRIND), [], []
    for name in names:
        ms = [bench.median("value", name, v, None) for v in variants]
        rss = [bench.median("rss_kb", name, v, None) for v in variants[:4]]
        ratios.append([*(ratio(ms[1], ms[i]) for i in (0, 2, 3)), ratio(rss[1], rss[0])])
        rows.append([name, *(cell(ratio(m, 1000)) for m in ms), *(cell(r, "{:.2f}") for r in ratios[-1][:3]),
                     *(cell(ratio(r, 1024), "{:.1f}") for r in rss), cell(ratios[-1][3], "{:.2f}")])
    means = [cell(geomean(c), "{:.2f}") for c in zip(*ratios)]
    rows.append(["geometric mean", *[""] * 6, *means[:3], *[""] * 4, means[3]])
    print_table(head, rows)


def locks_table(bench, names):
    head = ["lock pair, not instrumented", "native ns", "gosan ns", "more", "helgrind ns", "drd ns"]
    rows = []
    for name in names:
        native, gosan, helgrind, drd = (bench.median("value", f"lock {name}", v, None)
                                        for v in ("native", "gosan", *VALGRIND))
        more = gosan - native if gosan is not None and native is not None else None
        rows.append([name, *(cell(v, "{:.1f}") for v in (native, gosan, more)), cell(helgrind), cell(drd)])
    print_table(head, rows)


def installed_table(bench, names):
    rows = []
    for name in names:
        native, gosan = (bench.median("value", name, v, None) for v in ("native", "gosan"))
        rows.append([name, cell(ratio(native, 1000)), cell(ratio(gosan, 1000)), cell(ratio(gosan, native), "{:.3f}")])
    print_table(["installed programs", "native ms", "gosan ms", "gosan/native"], rows)


def goroutines_table(bench, names):
    head = ["goroutines", "processors", "native ns", "go ns", "native/go", "gccgo ns", "libdill ns", "neco ns", "pthreads ns",
            "gosan ns", "go -race ns", "gosan/race", "gosan/native"]
    rows, ratios = [], []
    for name in names:
        for procs in PROCS:
            native, go, gosan, race = (bench.median("value", name, v, procs)
                                       for v in ("native", "go", "gosan", "go -race"))
            ratios.append([ratio(native, go), ratio(gosan, race), ratio(gosan, native)])
            first, second, third = (cell(r, "{:.2f}") for r in ratios[-1])
            peers = (cell(bench.median("value", name, v, procs)) for v in ("gccgo", "libdill", "neco", "pthreads"))
            rows.append([name, str(procs), cell(native, "{:.1f}"), cell(go, "{:.1f}"), first, *peers, cell(gosan),
                         cell(race), second, third])
    first, second, third = (cell(geomean(c), "{:.2f}") for c in zip(*ratios))
    rows.append(["geometric mean", "", "", "", first, *[""] * 6, second, third])
    print_table(head, rows)


def versions():
    """What the figures depend on, first line of each."""
    found = {"cores": str(os.cpu_count())}
    for name, argv in (("gcc", ["gcc", "--version"]), ("clang", [CLANG, "--version"]), ("go", ["go", "version"])):
        if shutil.which(argv[0]):
            found[name] = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False).stdout.split("\n")[0]
    return found


def write_json(path, bench, rounds):
    results = [{"name": n, "variant": v, "processors": p, "unit": "ns per operation" if p or n.startswith("lock ") else "us of CPU",
                "median": bench.median("value", n, v, p), "rss_kb": bench.median("rss_kb", n, v, p),
                "samples": [s._asdict() for s in s_]} for (n, v, p), s_ in sorted(bench.samples.items(), key=str)]
    path.write_text(json.dumps({"rounds": rounds, "versions": versions(), "skipped": bench.skipped,
                                "failures": bench.failures, "results": results}, indent=1) + "\n")


def groups(only):
    """The names to run, by group."""
    wanted = {"threads": THREADS, "goroutines": GOROUTINES, "locks": LOCKS, "installed": INSTALLED}
    return {g: [n for n in names if not only or n in only or g in only] for g, names in wanted.items()}


def print_tables(bench, names):
    threads = [*names["threads"], *(["zstd built"] if ("zstd built", "native", None) in bench.samples else [])]
    for table, rows in ((threads_table, threads), (locks_table, names["locks"]), (installed_table, names["installed"]),
                        (goroutines_table, names["goroutines"])):
        if rows:
            table(bench, rows)
    for peer, reason in bench.skipped.items():
        print(f"skipped: {peer}: {reason}")
    for failure in bench.failures:
        print(f"failed: {failure}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--valgrind-rounds", type=int, default=1, metavar="N", help="they take long; 0: none")
    parser.add_argument("--zstd-source", type=pathlib.Path, metavar="DIR", help="unpacked sources of zstd: one more program")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--only", action="append", metavar="NAME",
                        choices=[*THREADS, *GOROUTINES, *LOCKS, *INSTALLED, "threads", "goroutines", "locks", "installed"])
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds: at least 1")
    if not shutil.which("gcc"):
        print("skipped: everything: gcc is not installed")
        return 77
    names = groups(args.only)
    with tempfile.TemporaryDirectory(prefix="gosan-bench-") as scratch:
        bench = Bench(args.build, pathlib.Path(scratch))
        if not bench.gosan.exists():
            sys.exit(f"bench: {bench.gosan}: build gosan first")
        for group, of_group in names.items():
            if of_group:
                getattr(bench, group)(of_group)
        if names["threads"]:
            bench.zstd(args.zstd_source)
        bench.run(args.rounds, args.valgrind_rounds)
    print_tables(bench, names)
    if args.json:
        write_json(args.json, bench, args.rounds)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
