#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings of programs, exported: what RAPID's format says of them, and what Perfetto is given.

usage: check_export.py --gosan GOSAN --work DIR PROGRAM... | --all DIR

Each program runs once, recorded.
  report   has a data race exactly if the import of its export has one, and each race of the report is one of its pairs
  chrome   parses; slices of a lane don't overlap; every arrow has both ends, each on a lane with a slice there; every
           finding is pinned on the lanes of its goroutines
  dump     every event has a line, filters take a part of them
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

# What one process does after another leaves a processor idle; each program is a case of its own.
WORKERS = 2

failures = []


def need(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)
    return condition


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", timeout=300, **kw)


def place(frame):
    return f"{frame['file']}:{frame['line']}" if frame.get("line") else f"{frame['module']}+{frame['offset']}"


def report_races(report):
    """Pairs of innermost places. A use of freed memory that is ordered after the free is none in STD."""
    pairs = []
    for f in report["findings"]:
        if f["code"] in ("GS101", "GS102") and "after it was freed" not in f["why"]:
            parts = [p for p in f["participants"] if p["stack"]]
            pairs.append(tuple(sorted(place(p["stack"][0]) for p in parts[:2])))
    return pairs


def check_std(name, a, trace, report, work):
    out, where = work / "x.std", work / "x.loc"
    p = run(a.gosan, "export", "--format=std", f"--locations={where}", "-o", out, trace, cwd="/")
    if not need(p.returncode == 0, f"{name}: export: {p.returncode} {p.stderr}"):
        return 0
    names = {}
    for line in where.read_text().splitlines():
        number, _, at = line.split("\t")
        names[int(number)] = at
    p = run(a.gosan, "import", out)
    need(p.returncode in (0, 66), f"{name}: import: {p.returncode} {p.stderr}")
    found = set()
    for one, other in re.findall(r"at location (\d+) by \S+, \w+ at location (\d+)", p.stdout):
        found.add(tuple(sorted((names.get(int(one), "?"), names.get(int(other), "?")))))
    want = report_races(report)
    need(bool(want) == bool(found), f"{name}: report {want}, import {found}")
    for pair in want:
        need(pair in found, f"{name}: {pair} is not among {found}")
    return len(want)


def check_lanes(name, events):
    """Slices by lane, after each other; returns them."""
    lanes = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            begin = round(e["ts"] * 1000)
            lanes[e["tid"]].append((begin, begin + round(e["dur"] * 1000), e["name"]))
    for tid, slices in lanes.items():
        slices.sort()
        for (_, end, one), (begin, _, other) in zip(slices, slices[1:]):
            need(end <= begin, f"{name}: lane {tid}: {one} and {other} overlap")
        need(all(begin < end for begin, end, _ in slices), f"{name}: lane {tid}: an empty slice")
    named = {e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    need(set(lanes) <= named, f"{name}: lanes without a name: {set(lanes) - named}")
    return lanes


def check_flows(name, events, lanes):
    ends = collections.defaultdict(dict)
    for e in events:
        if e["ph"] in "sf":
            need(e["ph"] not in ends[e["id"]], f"{name}: arrow {e['id']} has two {e['ph']}")
            ends[e["id"]][e["ph"]] = e
    for number, pair in ends.items():
        if not need(set(pair) == {"s", "f"}, f"{name}: arrow {number} has only {set(pair)}"):
            continue
        need(pair["s"]["ts"] <= pair["f"]["ts"], f"{name}: arrow {number} goes back in time")
        for e in pair.values():
            at = round(e["ts"] * 1000)
            need(any(begin <= at <= end for begin, end, _ in lanes[e["tid"]]),
                 f"{name}: arrow {number}: no slice at its {e['ph']}")
    return len(ends)


def check_chrome(name, a, trace, report):
    p = run(a.gosan, "export", "--format=chrome", trace)
    if not need(p.returncode == 0, f"{name}: export: {p.returncode} {p.stderr}"):
        return 0
    events = json.loads(p.stdout)["traceEvents"]
    lanes = check_lanes(name, events)
    pins = [e for e in events if e["ph"] == "i"]
    titles = {e["args"]["title"] for e in pins}
    for f in report["findings"]:
        if any(q.get("goroutine") or q.get("thread") for q in f["participants"]):
            need(f["title"] in titles, f"{name}: {f['title']} is not pinned: {titles}")
    need(len({e["pid"] for e in events}) == 1, f"{name}: more than one pid")
    return check_flows(name, events, lanes)


def check_dump(name, a, trace):
    every, some = run(a.gosan, "dump", "--all", trace), run(a.gosan, "dump", trace)
    need(every.returncode == 0 and some.returncode == 0, f"{name}: dump: {every.stderr}{some.stderr}")
    lines = every.stdout.splitlines()
    numbers = [int(line.split()[0]) for line in lines]
    need(numbers == list(range(1, len(lines) + 1)), f"{name}: dump: events without a line")
    rest = some.stdout.splitlines()
    need(set(rest) <= set(lines) and len(rest) > 0, f"{name}: dump: lines that are not in --all")
    last = run(a.gosan, "dump", "--last=1", trace).stdout.splitlines()
    need(set(last) <= set(rest), f"{name}: dump --last: lines that are not in the dump")
    who = [w for w in (line[9:33].strip() for line in last) if w != "the system"]
    need(len(set(who)) == len(who), f"{name}: dump --last=1: two lines of one goroutine: {who}")
    grouped = run(a.gosan, "dump", "--by-goroutine", trace).stdout.splitlines()
    need(sorted(x for x in grouped if x.startswith(" ")) == sorted(rest), f"{name}: dump --by-goroutine: other lines")
    return len(lines)


def check(a, program):
    """One program; what there was to compare."""
    name, work = pathlib.Path(program).name, a.work / pathlib.Path(program).name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    trace, out = work / "trace", work / "report.json"
    p = run(a.gosan, "run", "--timeout=60", f"--trace={trace}", "--format=json:-", "--", program)
    if not need(p.returncode not in (64, 65, 70), f"{name}: status {p.returncode}: {p.stderr[-500:]}"):
        return {}
    p = run(a.gosan, "report", f"--format=json:{out}", trace)
    if not need(out.exists(), f"{name}: report: {p.returncode} {p.stderr}"):
        return {}
    if run(a.gosan, "dump", trace).stdout.startswith("process "):
        print(f"{name}: left out: of several processes each is exported by itself")
        return {"left out": 1}
    report = json.loads(out.read_text())
    counts = {"races": check_std(name, a, trace, report, work), "arrows": check_chrome(name, a, trace, report),
              "events": check_dump(name, a, trace)}
    if not any(f.startswith(f"{name}:") for f in failures):
        shutil.rmtree(work, ignore_errors=True)
    return counts


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gosan", required=True)
    p.add_argument("--work", type=pathlib.Path, required=True)
    p.add_argument("--all", type=pathlib.Path, help="every case in this folder, once")
    p.add_argument("programs", nargs="*")
    a = p.parse_args()
    if a.all:
        a.programs = sorted(str(q) for q in a.all.iterdir()
                            if re.match(r"(cases|guide)\.", q.name) and not re.search(r"\.O[0-3]$", q.name))
    a.gosan, a.work = os.path.abspath(a.gosan), a.work.absolute()
    total = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for counts in pool.map(lambda program: check(a, program), a.programs):
            total.update(counts)
    need(a.programs, "no programs")
    print(f"{len(a.programs)} programs: {dict(total)}: {'FAILED' if failures else 'ok'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
