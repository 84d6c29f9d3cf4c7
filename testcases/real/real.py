#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real programs from Debian's packages under gosan: do they run to their normal end, with unchanged output?

usage: real.py BUILD_DIR [--install] [--only REGEX] [--rounds N] [--verbose]

Each program of programs.py is run without gosan and under `gosan run`, in turns. Output, files and exit status must be
the same; every finding must be one that the table explains. The CPU time of both is printed as a ratio of medians.
--install installs what is missing (apt-get, as root; no service is started). A program that is not installed is left
out, and named. Exit status: 0, 1 when something differs, 77 when nothing could be run.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile

from programs import PROGRAMS

HERE = pathlib.Path(__file__).resolve().parent
SKIP = 77
Run = collections.namedtuple("Run", "status output cpu rss reports log")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def install(programs):
    """Install the packages whose programs are missing. A policy that forbids services stands while it lasts."""
    packages = sorted({p for prog in programs if missing(prog) for p in prog.packages})
    if not packages:
        return
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    lock = ["-o", "DPkg::Lock::Timeout=600", "-q"]
    try:
        subprocess.run(["apt-get", *lock, "update"], env=env, stdout=subprocess.DEVNULL, check=False)
        if subprocess.run(["apt-get", *lock, "install", "-y", "--no-install-recommends", *packages], env=env,
                          stdout=subprocess.DEVNULL, check=False).returncode:
            print(f"real: could not install {' '.join(packages)}")
    finally:
        if ours:
            policy.unlink()


def missing(program):
    return [n for n in program.needs if not shutil.which(n)]


def build_meter(scratch):
    meter = scratch / "meter"
    subprocess.run(["cc", "-O1", str(HERE.parent / "bench" / "meter.c"), "-o", str(meter)], check=True)
    meter.chmod(0o755)
    return meter


def contents(folder, output):
    """What a script printed, with the digest of each file that it named in its place."""
    lines = []
    for line in output.splitlines():
        if line.startswith("file "):
            path = folder / line.split(" ", 1)[1]
            line += " " + (hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "is missing")
        lines.append(line)
    return "\n".join(lines)


def reports_in(folder):
    found = []
    for path in sorted(folder.glob("report*.json")):
        try:
            found.append(json.loads(path.read_text()))
        except ValueError:
            found.append(None)
    return found


# The status of a detector that saw nothing is not the program's; the verdict in its report is looked at instead.
WATCH = """#!/bin/sh
"$@"
status=$?
[ $status = 77 ] && exit 0
exit $status
"""


class Runner:
    def __init__(self, args, scratch):
        self.gosan, self.scratch, self.args = args.build.resolve() / "bin" / "gosan", scratch, args
        self.meter, self.watch = build_meter(scratch), scratch / "watch"
        self.watch.write_text(WATCH)
        self.watch.chmod(0o755)

    def command(self, folder, watched):
        run = [str(self.meter), str(folder / "cost")]
        if watched:
            run += [str(self.watch), str(self.gosan), "run", "--format=text:" + str(folder / "report.txt"),
                    "--format=json:" + str(folder / "report.json"), "--exit-code=0", "--"]
        return " ".join(run)

    def once(self, program, watched):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="p", dir=self.scratch))
        os.environ["PORT"] = str(free_port())
        try:
            for make in program.make:
                make(folder)
            return self.execute(program, folder, watched)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def execute(self, program, folder, watched):
        env = {k: v for k, v in os.environ.items() if k not in ("GOSAN_OPTIONS", "LD_PRELOAD")}
        env.update(RUN=self.command(folder, watched), TMPDIR=str(folder))
        argv = ["/bin/sh", "-c", program.script]
        if program.user and os.geteuid() == 0:
            subprocess.run(["chown", "-R", program.user, str(folder)], check=True)
            argv = ["setpriv", f"--reuid={program.user}", "--regid=" + program.user, "--init-groups", *argv]
        with open(self.scratch / "out", "w+b") as out, open(self.scratch / "err", "w+b") as err:
            proc = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                    start_new_session=True)
            try:
                status = proc.wait(program.limit)
            except subprocess.TimeoutExpired:
                status = "timeout"
            try:
                os.killpg(proc.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            proc.wait()
            out.seek(0)
            err.seek(0)
            output, log = out.read().decode(errors="replace"), err.read().decode(errors="replace")
        try:
            cpu, rss = map(int, (folder / "cost").read_text().split())
        except (OSError, ValueError):
            cpu = rss = 0
        report = folder / "report.txt"
        log += report.read_text(errors="replace") if report.exists() else ""
        return Run(status, contents(folder, output), cpu, rss, reports_in(folder), log)


def verdict(program, native, watched):
    """None, or what is wrong with a watched run."""
    if native.status != 0:
        return f"the run without gosan ended with {native.status}: {native.output[-200:]} {native.log[-300:]}"
    if watched.status != native.status:
        return f"status {watched.status}, not {native.status}"
    if watched.output != native.output:
        return "the output differs"
    if not watched.reports or None in watched.reports:
        return "no whole report"
    codes = {f["code"] for r in watched.reports for f in r["findings"]}
    unexplained = sorted(codes - set(program.explained))
    if unexplained:
        return f"unexplained findings: {' '.join(unexplained)}"
    lost = sum(r["counters"]["lost"] for r in watched.reports)
    blind = [r for r in watched.reports if r["verdict"] == "blind"]
    if lost or bool(blind) != program.nothing:
        return f"{lost} events lost" if lost else f"blind: {blind[0]['counters']}" if blind else "not blind, as the table says"
    return None


def examine(runner, program, rounds, verbose):
    pairs, problem = [], None
    for _ in range(rounds):
        native, watched = runner.once(program, False), runner.once(program, True)
        pairs.append((native, watched))
        problem = verdict(program, native, watched)
        if problem:
            break
    if problem and verbose:
        print(f"--- {program.name}: without gosan:\n{native.output}\n--- with:\n{watched.output}\n{watched.log}", flush=True)
    ms = [statistics.median(r[i].cpu for r in pairs) / 1000 for i in (0, 1)]
    least = [min(r[i].cpu for r in pairs) / 1000 for i in (0, 1)]
    reports = [r for r in watched.reports if r]
    events = sum(r["counters"]["events"] for r in reports)
    threads = max((r["counters"]["threads"] for r in reports), default=0)
    found = sorted({f["code"] for r in reports for f in r["findings"]})
    ratio = f"{ms[1] / ms[0]:.2f} {least[1] / least[0]:.2f}" if ms[0] and least[0] else "-"
    print(f"{program.name:<11} {ms[0]:9.0f} {ms[1]:9.0f}  {ratio:<11} {threads:7} {events:10}  "
          f"{' '.join(found) or 'none':<14} {problem or 'ok'}", flush=True)
    return problem


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="show output and report of what differs")
    args = parser.parse_args()
    programs = [p for p in PROGRAMS if re.search(args.only, p.name)]
    if args.install:
        install(programs)
    skipped, problems, ran = [], [], 0
    with tempfile.TemporaryDirectory(prefix="gosan-real-") as scratch:
        os.chmod(scratch, 0o755)
        runner = Runner(args, pathlib.Path(scratch))
        print(f"{'program':<11} {'native ms':>9} {'gosan ms':>9}  {'median min':<11} threads     events  findings       result")
        for program in programs:
            if missing(program):
                skipped.append(f"{program.name}: {' '.join(missing(program))} not installed (package {' '.join(program.packages)})")
                continue
            ran += 1
            if examine(runner, program, args.rounds, args.verbose):
                problems.append(program.name)
    for line in skipped:
        print(f"skipped: {line}")
    for program in programs:
        for code, why in program.explained.items():
            print(f"explained: {program.name}: {code}: {why}")
    print(f"real: {ran - len(problems)} of {ran} programs ran to their normal end, unchanged and explained"
          + (f"; not: {' '.join(problems)}" if problems else ""))
    sys.exit(1 if problems else 0 if ran else SKIP)


if __name__ == "__main__":
    main()
