#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill a program that records itself, at a random moment, again and again.

usage: kill.py --preload LIBGOSAN --program KILLED --check CHECK_KILLED [--count N] [--seed N]

Most are killed within two milliseconds of work; one in eight at any time from its start on, also before it has
begun. Every recording is held against what the program had completed (check_killed.c).
"""
import argparse
import concurrent.futures
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BATCH = 20
WORKERS = 3
# Seconds. It takes some milliseconds; a machine that is busy with other work may need a minute.
BEGIN = 300


def kill_one(a, tmp, i, rng):
    """Path of the recording, of what was done, and whether it had begun."""
    trace, done = os.path.join(tmp, f"t{i}"), os.path.join(tmp, f"d{i}")
    with open(done, "wb") as f:
        f.truncate(4096)
    # What a killed program leaves behind goes with the batch.
    env = dict(os.environ, LD_PRELOAD=os.path.abspath(a.preload), GOSAN_OPTIONS=f"trace={trace}:quiet=1", TMPDIR=tmp)
    env.pop("GOSAN_OUT", None)
    proc = subprocess.Popen([a.program, done], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    begun = False
    if rng.random() < 7 / 8:
        begun = select.select([proc.stdout], [], [], BEGIN)[0] != [] and os.read(proc.stdout.fileno(), 1) == b"r"
        if not begun:
            proc.kill()
            raise SystemExit(f"the program did not begin: {proc.wait()}")
        time.sleep(rng.random() * 0.002)
    else:
        time.sleep(rng.random() * 0.05)
    proc.send_signal(signal.SIGKILL)
    status = proc.wait()
    proc.stdout.close()
    if status != -signal.SIGKILL:
        raise SystemExit(f"the program ended by itself: {status}")
    return trace, done, "1" if begun else "0"


def batch(a, first, n):
    rng = random.Random(a.seed * 1000003 + first)
    with tempfile.TemporaryDirectory(prefix="gosan-kill-") as tmp:
        words = [w for i in range(n) for w in kill_one(a, tmp, i, rng)]
        r = subprocess.run([a.check] + words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if r.returncode and a.keep:
            shutil.copytree(tmp, os.path.join(a.keep, str(first)))
        return (r.stdout or f"status {r.returncode}\n") if r.returncode else ""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--preload", required=True)
    p.add_argument("--program", required=True)
    p.add_argument("--check", required=True)
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", help="copy what failed to this directory")
    a = p.parse_args()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(batch, a, i, min(BATCH, a.count - i)) for i in range(0, a.count, BATCH)]
        bad = [j.result() for j in jobs if j.result()]
    for text in bad:
        print(text, end="")
    print(f"{a.count} kills, seed {a.seed}: {'every recording is whole' if not bad else 'FAILED'}")
    sys.exit(1 if bad else 0)


main()
