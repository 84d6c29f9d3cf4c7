#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A long run takes no more of the detector's memory than a short one, and still sees what happens at its end.

usage: check_memory.py --gosan GOSAN [--grow MB] [--may-lose COUNTER]... PROGRAM --short ARG... --long ARG...

The long run is made twice, clean and with "race" as its last argument: 0 and 66, one GS101, nothing lost.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

TIMEOUT = 1500


def run(gosan, argv, scratch):
    report = pathlib.Path(scratch) / "report.json"
    done = subprocess.run([gosan, "run", f"--format=json:{report}", "--", *argv], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    try:
        return done.returncode, json.loads(report.read_text())
    except (OSError, ValueError) as err:
        sys.exit(f"{argv}: status {done.returncode}, no report: {err}\n{done.stderr}")


def check(argv, status, report, race, may_lose):
    codes = [f["code"] for f in report["findings"]]
    lost = {k: v for k, v in report["counters"].items() if "lost" in k and v and k not in may_lose}
    want = (66, ["GS101"], "findings") if race else (0, [], "clean")
    got = (status, codes, report["verdict"])
    if got != want or lost:
        sys.exit(f"{argv}: {got}, not {want}; lost {lost}")
    return report["counters"]["memory_mb"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gosan", required=True)
    parser.add_argument("--grow", type=int, default=16, help="MB that the long run may take more than the short one")
    parser.add_argument("--may-lose", action="append", default=[])
    parser.add_argument("program")
    parser.add_argument("--short", nargs="+", required=True)
    parser.add_argument("--long", nargs="+", required=True)
    args = parser.parse_args()
    peak = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, rest, race in (("short", args.short, False), ("long", args.long, False),
                                 ("race", [*args.long, "race"], True)):
            argv = [args.program, *rest]
            status, report = run(args.gosan, argv, scratch)
            peak[name] = check(argv, status, report, race, args.may_lose)
    print(" ".join(f"{name}: {mb} MB" for name, mb in peak.items()))
    if max(peak["long"], peak["race"]) > peak["short"] + args.grow:
        sys.exit(f"the long run took more than {args.grow} MB more")


if __name__ == "__main__":
    main()
