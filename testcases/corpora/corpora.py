#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other detectors' test suites, run as gosan's own.

usage: corpora.py BUILD_DIR --check-tables
       corpora.py BUILD_DIR [--suite llvm|helgrind|drd]... [--only REGEX] [--cache DIR] [--tries N] [--verbose]

The suites are fetched as Debian source packages (fetch.py), never copied into the repository. Each test is built and
run under gosan, and what was reported is compared with our tables (table.py says how to read them). A test that must
report may take several tries, as its own suite allows; a test that must be silent has to be silent in each.
Exit status: 0 when nothing differs from the tables, 1 otherwise, 77 with the reason when a needed part is missing.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import fetch
import table
from llvm import Llvm
from valgrind import Drd, Helgrind

HERE = pathlib.Path(__file__).resolve().parent
SKIP = 77
SUITES = {s.name: s for s in (Llvm, Helgrind, Drd)}
Done = collections.namedtuple("Done", "status text")
Outcome = collections.namedtuple("Outcome", "runs problem output tries")


class Tools:
    """What every suite needs: compilers, gosan, a scratch folder, and a way to call a command and not wait for ever."""

    def __init__(self, args, scratch):
        self.build, self.scratch, self.timeout = args.build.resolve(), scratch, args.timeout
        self.gosan = self.build / "bin" / "gosan"
        if not self.gosan.exists():
            raise fetch.Missing(f"{self.gosan} is not built")

    def environment(self):
        keep = {k: v for k, v in os.environ.items() if k not in ("GOSAN_OPTIONS", "TSAN_OPTIONS", "LD_PRELOAD", "CC", "CXX")}
        return dict(keep, LC_ALL="C")

    def call(self, argv, folder, env, limit=None):
        """A command in a process group of its own; what is left of the group afterwards is ended."""
        with open(folder / "log", "w+b") as log:
            proc = subprocess.Popen([str(a) for a in argv], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = proc.wait(limit or 4 * self.timeout)
            except subprocess.TimeoutExpired:
                status = None
            try:
                os.killpg(proc.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            proc.wait()
            log.seek(0)
            return Done(status, log.read().decode(errors="replace"))


def read_report(path):
    """The codes in a JSON report; None when there is no whole report."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return frozenset(f["code"] for f in data["findings"])


def attempt(suite, name, scratch):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="t", dir=scratch))
    try:
        status, output, reports, missing = suite.run(name, folder)
        runs = [read_report(p) for p in reports]
        if not runs:
            return Outcome([], f"did not run (status {status})", output, 1)
        if None in runs:
            return Outcome([], f"run {runs.index(None)} left no report (status {status})", output, 1)
        if status is None:
            return Outcome(runs, "timeout", output, 1)
        if missing:
            return Outcome(runs, f"the program did not say {' '.join(missing)}", output, 1)
        return Outcome(runs, None, output, 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def examine(suite, row, scratch, tries):
    """Try until the row is satisfied; something that nobody asked for ends it at once."""
    for number in range(1, tries + 1):
        outcome = attempt(suite, row.test, scratch)
        problem = outcome.problem or table.judge(row, outcome.runs, suite.sees_accesses)
        outcome = outcome._replace(problem=problem, tries=number)
        if not problem or not problem.startswith("missing"):
            break
    return outcome


class Summary:
    def __init__(self, name):
        self.name, self.count = name, collections.Counter()
        self.differences = []

    def add(self, row, outcome):
        kind = "report" if table.says_something(row.suite) else "silence"
        if row.ours == "n/a":
            self.count["n/a"] += 1
            return
        self.count[f"{kind} expected"] += 1
        if outcome.problem:
            self.differences.append(f"{row.test}: {outcome.problem}")
            return
        if row.ours == "=":
            self.count[f"{kind} as expected"] += 1
        else:
            self.count[f"{kind}, listed difference"] += 1

    def print(self):
        c = self.count
        print(f"\n{self.name}: the suite expects a report of {c['report expected']} tests and none of "
              f"{c['silence expected']}; not applicable {c['n/a']}")
        print(f"  report: {c['report as expected']} as the suite expects, {c['report, listed difference']} differ as "
              f"listed")
        print(f"  none:   {c['silence as expected']} as the suite expects, {c['silence, listed difference']} differ as "
              f"listed")
        print(f"  unexplained differences: {len(self.differences)}")
        for line in self.differences:
            print(f"    {line}")


def run_suite(suite, rows, args, scratch):
    summary = Summary(suite.name)
    for name in sorted(suite.tests):
        if args.only and not re.search(args.only, name):
            continue
        row = rows.get(name)
        if row is None:
            summary.differences.append(f"{name}: not in {suite.table}")
            if not args.verbose:
                continue
            row = table.Row(name, "clean", "=", "")
        outcome = None
        if row.ours != "n/a" or args.verbose > 1:
            outcome = examine(suite, row, scratch, args.tries)
            got = ";".join(",".join(sorted(r)) or "clean" for r in outcome.runs)
            print(f"{name}\t{got or '-'}\t{outcome.problem or 'ok'}\t{outcome.tries}", flush=True)
            if args.verbose and outcome.problem:
                print(outcome.output, flush=True)
        if row.ours != "n/a" and name in rows:
            summary.add(row, outcome)
        elif name in rows:
            summary.add(row, None)
    if not args.only:
        summary.differences += [f"{name}: in {suite.table}, but not in the suite" for name in sorted(set(rows) - set(suite.tests))]
    return summary


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--suite", action="append", choices=sorted(SUITES))
    parser.add_argument("--check-tables", action="store_true", help="read the tables, and no more")
    parser.add_argument("--only", help="tests whose name matches this")
    parser.add_argument("--cache", type=pathlib.Path, help="where fetched sources stay; GOSAN_CORPORA_CACHE, else BUILD_DIR/corpora")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--timeout", type=int, default=40, help="seconds for one run of a program")
    parser.add_argument("--verbose", action="count", default=0, help="show the output of what differs; twice: run what is n/a too")
    return parser.parse_args()


def check_tables():
    for suite in SUITES.values():
        rows = table.load(HERE / suite.table)
        differing = sum(row.ours not in ("=", "n/a") for row in rows.values())
        print(f"{suite.table}: {len(rows)} tests, {differing} differ from their suite, "
              f"{sum(row.ours == 'n/a' for row in rows.values())} not applicable")


def main():
    args = arguments()
    if args.check_tables:
        check_tables()
        return
    cache = args.cache or pathlib.Path(os.environ.get("GOSAN_CORPORA_CACHE") or args.build / "corpora").resolve()
    summaries = []
    try:
        with tempfile.TemporaryDirectory(prefix="gosan-corpora-") as scratch:
            scratch = pathlib.Path(scratch)
            tools = Tools(args, scratch)
            for name in args.suite or sorted(SUITES):
                kind = SUITES[name]
                for compiler in kind.compilers:
                    if not shutil.which(compiler):
                        raise fetch.Missing(f"{compiler} is not installed")
                suite = kind(fetch.fetch(kind.package, kind.folders, cache), tools)
                rows = table.load(HERE / kind.table)
                summaries.append(run_suite(suite, rows, args, scratch))
    except fetch.Missing as reason:
        print(f"corpora: skipped: {reason}")
        sys.exit(SKIP)
    for summary in summaries:
        summary.print()
    sys.exit(1 if any(s.differences for s in summaries) else 0)


if __name__ == "__main__":
    main()
