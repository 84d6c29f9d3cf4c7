#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A million goroutines: memory, starts and joins, sleepers, idling; next to Go, in one interleaved run.

usage: scale.py BUILD_DIR [--rounds N] [--scale F] [--procs N]... [--json FILE] [--check] [--no-go]

Prints medians. --scale multiplies the numbers of goroutines. --check: exit status 1 when a parked goroutine takes more
memory than is promised, when memory does not come back after a burst, or when idling costs time; these hold on a busy
machine, too. Go is left out, with the reason, where it is not installed.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {"parked": 1_000_000, "joined": 1_000_000, "sleepers": 100_000, "idle": 3}
ROWS = (("parked", "bytes"), ("parked", "ns"), ("parked", "peak_mb"), ("parked", "after_mb"), ("joined", "ns"),
        ("sleepers", "ns"), ("sleepers", "late_p50_us"), ("sleepers", "late_p99_us"), ("idle", "idle_us_per_s"))
SMALL = "goroutines, stacks of 64 KiB"
BYTES_MAX = {SMALL: 4800, "goroutines": 5200}  # each; of 10,000, what threads and tables take counts as 150
TIMEOUT = 300


def programs(build, scratch, with_go):
    """{variant: (argv, environment)}, and {variant: why it is left out}"""
    lib = build.resolve() / "lib"
    ours = scratch / "scale"
    subprocess.run(["cc", "-std=gnu11", "-O2", f"-I{build.resolve() / 'include'}", str(HERE / "scale.c"), "-o", str(ours),
                    f"-L{lib}", "-lgoroutine", f"-Wl,-rpath,{lib}", "-pthread"], check=True)
    found, skipped = {"goroutines": ([str(ours)], {}), SMALL: ([str(ours)], {"GO_STACK": "64k"})}, {}
    if not with_go or shutil.which("go") is None:
        skipped["go"] = "not installed" if with_go else "not wanted"
        return found, skipped
    env = os.environ | {"GOCACHE": str(scratch / "cache"), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    shutil.copytree(HERE / "go", scratch / "go")
    done = subprocess.run(["go", "build", "-o", str(scratch / "go-scale"), "."], cwd=scratch / "go", env=env, text=True,
                          capture_output=True)
    if done.returncode == 0:
        found["go"] = ([str(scratch / "go-scale")], {})
    else:
        skipped["go"] = (done.stderr.strip().splitlines() or ["go build failed"])[-1]
    return found, skipped


def run(argv, env, kind, n, procs):
    env = os.environ | env | {"GO_PROCS": str(procs), "GOMAXPROCS": str(procs)}
    done = subprocess.run([*argv, kind, str(n)], env=env, capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode != 0:
        sys.exit(f"{argv[0]} {kind} {n}: status {done.returncode}\n{done.stderr}")
    return {name: int(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def measure(args, found):
    samples = {}
    for _ in range(args.rounds):
        for kind, full in KINDS.items():
            n = full if kind == "idle" else max(1000, int(full * args.scale))
            for procs in args.procs or [1, 2]:
                for variant, (argv, env) in found.items():
                    for name, value in run(argv, env, kind, n, procs).items():
                        samples.setdefault((kind, name, procs, variant), []).append(value)
    return {key: statistics.median(values) for key, values in samples.items()}


def table(medians, variants, procs):
    print(f"| {'what':24} | processors | " + " | ".join(variants) + " |")
    print("| --- | ---: | " + " | ".join("---:" for _ in variants) + " |")
    for kind, name in ROWS:
        for p in procs:
            cells = (medians.get((kind, name, p, v)) for v in variants)
            print(f"| {kind + ' ' + name:24} | {p} | " + " | ".join("" if c is None else f"{c:.0f}" for c in cells) + " |")


def broken(medians, found):
    """Sentences: what does not hold."""
    for (kind, name, procs, variant), value in medians.items():
        where = f"{variant}, {procs} processors"
        if variant == "go":
            continue
        if name == "bytes" and value > BYTES_MAX[variant]:
            yield f"{where}: a parked goroutine takes {value:.0f} bytes, more than {BYTES_MAX[variant]:.0f}"
        if name == "after_mb":
            peak = medians[kind, "peak_mb", procs, variant]
            if value > peak / 4 + 64:
                yield f"{where}: {value:.0f} of {peak:.0f} MB are still there after a burst"
        if name == "idle_us_per_s" and value > 20_000:
            yield f"{where}: idling takes {value:.0f} us of CPU time per second"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--procs", type=int, action="append")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--no-go", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gosan-scale-") as scratch:
        found, skipped = programs(args.build, pathlib.Path(scratch), not args.no_go)
        medians = measure(args, found)
    table(medians, list(found), args.procs or [1, 2])
    for peer, why in skipped.items():
        print(f"left out: {peer}: {why}")
    if args.json:
        rows = [{"kind": k, "name": n, "processors": p, "variant": v, "median": m}
                for (k, n, p, v), m in medians.items()]
        args.json.write_text(json.dumps({"rounds": args.rounds, "scale": args.scale, "rows": rows}, indent=1) + "\n")
    problems = list(broken(medians, found)) if args.check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
