#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast recordings are read, exported and analysed.

usage: traces.py BUILD_DIR [--rounds N] [--events N] [--program PROGRAM] [--rapid JAR]

Records a program (a case of the guide, unless told otherwise), exports the recording as STD, and analyses that; and
analyses a synthetic STD file of N million events. CPU time, the least of the rounds. With --rapid (rapid.jar and what
it needs, as a class path) RAPID's own HB engine reads the same files; without it, or without java, it is left out by name.
"""
import argparse
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile


def cpu(argv, out=subprocess.DEVNULL, good=(0, 66)):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode not in good:
        sys.exit(f"traces.py: {' '.join(str(a) for a in argv)}: status {p.returncode}: {p.stderr[-300:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def least(rounds, *args, **kw):
    return min(cpu(*args, **kw) for _ in range(rounds))


def synthetic(path, n, threads=16, locks=64):
    """Critical sections of a dozen accesses; one access in fifty goes elsewhere."""
    r = random.Random(1)
    with open(path, "w") as out:
        for t in range(1, threads):
            out.write(f"T0|fork(T{t})|1\n")
        lines = threads
        while lines < n:
            t, lock, part = r.randrange(threads), r.randrange(locks), []
            part.append(f"T{t}|acq(L{lock})|{r.randrange(1000)}")
            for _ in range(r.randrange(12)):
                v = lock * 100 + r.randrange(100) if r.random() < 0.98 else r.randrange(locks * 100)
                part.append(f"T{t}|{r.choice('rrrw')}(V{v})|{r.randrange(1000)}")
            part.append(f"T{t}|rel(L{lock})|{r.randrange(1000)}")
            out.write("\n".join(part) + "\n")
            lines += len(part)


def rapid_command(jar):
    if not jar:
        return None, "no --rapid JAR"
    if not shutil.which("java"):
        return None, "no java"
    return lambda path: ["java", "-cp", jar, "HB", "-f", "std", "-p", path], None


def lines_of(path):
    with open(path, "rb") as f:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: f.read(1 << 20), b""))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--events", type=float, default=3, help="of the synthetic file, in millions")
    p.add_argument("--program", type=pathlib.Path)
    p.add_argument("--rapid", metavar="JAR")
    a = p.parse_args()
    build = a.build.absolute()
    gosan, program = build / "bin/gosan", a.program or build / "cases/guide.worker_pool"
    rapid, why = rapid_command(a.rapid)
    with tempfile.TemporaryDirectory(prefix="gosan-bench-") as work:
        trace, std, made = (os.path.join(work, n) for n in ("trace", "x.std", "made.std"))
        cpu([gosan, "run", f"--trace={trace}", "--quiet", "--", program], good=range(256))
        dump = os.path.join(work, "dump")
        with open(dump, "w") as out:
            cpu([gosan, "dump", "--all", trace], out)
        events = lines_of(dump)
        print(f"{program.name}: {events} events recorded")
        for what, argv in (("dump", ["dump", "--all"]), ("export chrome", ["export", "--format=chrome"]),
                           ("export std", ["export", "--format=std", "-o", std])):
            t = least(a.rounds, [gosan, *argv, trace])
            print(f"  {what:14} {t * 1e3:8.1f} ms {events / t / 1e6:8.2f} M events/s")
        synthetic(made, int(a.events * 1e6))
        for name, path in (("its export", std), ("synthetic", made)):
            n, t = lines_of(path), least(a.rounds, [gosan, "import", "--quiet", path])
            line = f"import of {name}: {n} events, {t * 1e3:.1f} ms, {n / t / 1e6:.2f} M events/s"
            if rapid:
                line += f"; RAPID {n / least(a.rounds, rapid(path)) / 1e6:.2f} M events/s"
            print(line)
    if why:
        print(f"RAPID: left out: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
