#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One fuzzer, for as long as the test may take.

usage: run_fuzz.py PROGRAM --corpus DIR --work DIR [--runs N | --seconds N]
       run_fuzz.py --missing REASON      exit 77

First every kept input alone, then new ones. By runs and with a fixed seed: the same inputs each time, so that the
result depends on nothing but the code. An input that crashes stays in the work directory, and its path is printed.
The limits of time and memory for one input are far above what any needs: a busy machine must not reach them.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

SECONDS_PER_INPUT = 120


def run(*argv):
    env = {k: v for k, v in os.environ.items() if k not in ("GOSAN_OPTIONS", "GITHUB_WORKSPACE", "LD_PRELOAD")}
    p = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace", env=env)
    if p.returncode:
        print(p.stdout[-12000:])
        print(f"FAILED: {' '.join(str(a) for a in argv)}: status {p.returncode}")
        sys.exit(1)
    return p.stdout


def main():
    a = argparse.ArgumentParser()
    a.add_argument("program", nargs="?")
    a.add_argument("--missing")
    a.add_argument("--corpus", type=pathlib.Path)
    a.add_argument("--work", type=pathlib.Path)
    a.add_argument("--runs", type=int, default=5000)
    a.add_argument("--seconds", type=int)
    a = a.parse_args()
    if a.missing:
        print("skipped:", a.missing)
        return 77
    kept = sorted(p for p in a.corpus.iterdir() if p.is_file())
    if not kept:
        print(f"FAILED: no inputs in {a.corpus}")
        return 1
    found = a.work / ("nightly" if a.seconds else "normal")
    if not a.seconds:
        shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-timeout={SECONDS_PER_INPUT}", "-rss_limit_mb=4096", "-max_len=8192", "-close_fd_mask=1",
              f"-artifact_prefix={a.work}/"]
    run(a.program, *limits, *kept)
    if a.seconds:
        limits += [f"-max_total_time={a.seconds}"]
    else:
        limits += [f"-runs={a.runs}", "-seed=1"]
    text = run(a.program, *limits, found, a.corpus)
    done = [line for line in text.splitlines() if line.startswith("Done ")]
    print(f"{len(kept)} kept inputs; {done[-1] if done else text[-300:]}")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
