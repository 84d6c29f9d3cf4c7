#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gosan import against an obviously right happens-before, and against texts that are no STD.

usage: check_std.py random|edges|refused --gosan GOSAN [--count N] [--seed N]

  random   random recordings: the racing accesses are exactly the oracle's, each reported pair is one of its pairs
  edges    small recordings whose answer is known, among them the encoding of an edge that export uses
  refused  what is no STD: status 65, and the line is named
"""
import argparse
import random
import re
import subprocess
import sys

failures = []


def need(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def run(gosan, text, *options):
    p = subprocess.run([gosan, "import", *options, "-"], input=text if isinstance(text, bytes) else text.encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")


def oracle(events):
    """(index of the earlier, index of the later) of all races: vector clocks as dictionaries, every pair looked at."""
    clock, locks, at, races, accesses = {}, {}, [], [], {}

    def of(t):
        return clock.setdefault(t, {t: 1})

    def join(a, b):
        for t, n in b.items():
            a[t] = max(a.get(t, 0), n)

    for i, (t, op, x, _) in enumerate(events):
        c = of(t)
        if op == "acq":
            join(c, locks.get(x, {}))
        elif op == "rel":
            locks[x] = dict(c)
        elif op == "fork" and x != t:
            join(of(x), c)
        elif op == "join" and x != t:
            join(c, of(x))
        at.append((t, c[t]))
        if op in "rw":
            for j in accesses.get(x, []):
                u, n = at[j]
                if u != t and "w" in (op, events[j][1]) and c.get(u, 0) < n:
                    races.append((j, i))
            accesses.setdefault(x, []).append(i)
        if op in ("rel", "fork"):
            c[t] += 1
        elif op == "join" and x != t:
            of(x)[x] += 1
    return races


def generate(seed):
    """Locks are well nested or not, held once; forks before the first event of a thread mostly; locations repeat."""
    r = random.Random(seed)
    threads = [f"T{i}" for i in range(r.choice([2, 3, 5, 40]))]
    variables = [f"x[{i}](p)" for i in range(r.choice([1, 3, 10]))]
    locks = [f"l{i}" for i in range(r.choice([1, 2, 5]))]
    held, events, started = {}, [], {threads[0]}
    for _ in range(r.choice([20, 100, 400])):
        t = r.choice(sorted(started))
        what = r.random()
        if what < 0.08:
            x = r.choice(threads)
            if x != t and (x not in started or r.random() < 0.1):
                events.append((t, "fork", x, r.randrange(50)))
                started.add(x)
        elif what < 0.12:
            events.append((t, "join", r.choice(threads), r.randrange(50)))
        elif what < 0.25:
            free = [x for x in locks if x not in held]
            if free:
                x = r.choice(free)
                held[x] = t
                events.append((t, "acq", x, r.randrange(50)))
        elif what < 0.4:
            mine = [x for x in locks if held.get(x) == t]
            if mine:
                x = r.choice(mine)
                del held[x]
                events.append((t, "rel", x, r.randrange(50)))
        else:
            events.append((t, r.choice("rrw"), r.choice(variables), r.randrange(50)))
    return events


def text_of(events):
    return "".join(f"{t}|{op}({x})|{loc}\n" for t, op, x, loc in events)


def check_random(a):
    racing = 0
    for seed in range(a.seed, a.seed + a.count):
        events = generate(seed)
        races = oracle(events)
        status, out, err = run(a.gosan, text_of(events), "--locations")
        want = sorted({events[i][3] for _, i in races})
        need(status == (66 if races else 0), f"seed {seed}: status {status}: {err}")
        need([int(x) for x in out.split()] == want, f"seed {seed}: locations {out.split()}, not {want}")
        status, out, err = run(a.gosan, text_of(events))
        pairs = {(events[i][1], events[i][3], events[j][1], events[j][3]) for i, j in races}
        lines = {j for _, j in races}
        for kind, loc, kind2, loc2, line in re.findall(
                r": (\w+) at location (-?\d+) by \S+, (\w+) at location (-?\d+) by \S+ \(line (\d+)", out):
            need((kind[0], int(loc), kind2[0], int(loc2)) in pairs, f"seed {seed}: no such race: {loc} {loc2}")
            need(int(line) - 1 in lines, f"seed {seed}: line {line} does not race")
        need(f"{len(lines)} racing accesses" in err, f"seed {seed}: {err.strip()}, not {len(lines)}")
        racing += len(lines)
        if failures:
            print(text_of(events))
            break
    need(racing > a.count, f"only {racing} racing accesses in {a.count} recordings: the generator is no good")
    print(f"{a.count} recordings, {racing} racing accesses")


EDGE = "A|acq(E)|1\nA|w(V)|1\nA|rel(E)|1\n{}B|acq(E)|2\nB|r(V)|2\nB|rel(E)|2\n"
KNOWN = [  # name, text, locations
    ("two writes", "A|w(x)|10\nB|w(x)|20\n", "20"),
    ("two reads", "A|r(x)|10\nB|r(x)|20\n", ""),
    ("a lock", "A|acq(l)|1\nA|w(x)|10\nA|rel(l)|1\nB|acq(l)|1\nB|w(x)|20\nB|rel(l)|1\n", ""),
    ("another lock", "A|acq(l)|1\nA|w(x)|10\nA|rel(l)|1\nB|acq(m)|1\nB|w(x)|20\nB|rel(m)|1\n", "20"),
    ("fork", "A|w(x)|10\nA|fork(B)|1\nB|w(x)|20\n", ""),
    ("after the fork", "A|fork(B)|1\nA|w(x)|10\nB|w(x)|20\n", "20"),
    ("join", "A|fork(B)|1\nB|w(x)|20\nA|join(B)|1\nA|r(x)|10\n", ""),
    ("the encoding of an edge", "A|w(x)|10\n" + EDGE.format("") + "B|w(x)|20\n", ""),
    ("after the release of an edge", EDGE.format("A|w(x)|10\n") + "B|w(x)|20\n", "20"),
    ("a write hides no earlier read", "A|r(x)|10\nB|acq(l)|1\nB|w(y)|2\nB|w(x)|20\nC|w(x)|30\n", "20 30"),
    ("negative and signed", "A|w(x)|-5\nB|w(x)|+7\n", "7"),
    ("begin and end", "A|begin|1\nA|end(what ever)|1\n", ""),
    ("no line end, carriage returns", "A|w(x)|1\r\nB|w(x)|2\r\n\r\n", "2"),
    ("names with parentheses", "A|w(f(x))|1\nB|w(f(x))|2\nB|w(f(y))|3\n", "2"),
]


def check_edges(a):
    for name, text, want in KNOWN:
        status, out, err = run(a.gosan, text, "--locations")
        need(out.split() == want.split() and status == (66 if want else 0), f"{name}: {status} {out!r} {err!r}")
    long = "A|w(x)|1\n" * 300000 + "B|w(x)|2\n"  # many buffers
    need(run(a.gosan, long, "--locations")[:2] == (66, "2\n"), "a long file")
    many = "".join(f"T{i}|w(x{i % 7})|{i}\n" for i in range(5000))
    status, out, err = run(a.gosan, many)
    need("5000 events of 5000 threads, 7 variables" in err, err)
    status, out, err = run(a.gosan, "", "--quiet")
    need((status, out, err) == (0, "", ""), f"nothing: {status} {out} {err}")


REFUSED = [
    ("no bars", "A w(x) 1\n", 1), ("a comment", "A|w(x)|1\n# why\n", 2), ("no number", "A|w(x)|a.c:3\n", 1),
    ("too large a number", "A|w(x)|2147483648\n", 1), ("a blank in a name", "A|w(x y)|1\n", 1),
    ("no operand", "A|w()|1\n", 1), ("unknown", "A|read(x)|1\n", 1), ("three bars", "A|w(x)|1|2\n", 1),
    ("an empty line", "A|w(x)|1\n\nB|w(x)|1\n", 2), ("no thread", "|w(x)|1\n", 1), ("zeros", "A|w(x\0)|1\n", 1),
    ("cut", "A|w(x)|1\nA|w(", 2),
]


def check_refused(a):
    for name, text, line in REFUSED:
        status, out, err = run(a.gosan, text)
        need(status == 65 and f"standard input:{line}:" in err and not out, f"{name}: {status} {out!r} {err!r}")
    status, out, err = run(a.gosan, "A|" + "x" * 2000000 + "|1\n")
    need(status == 65 and "longer" in err, f"a long line: {status} {err}")
    p = subprocess.run([a.gosan, "import", "/nonexistent"], stderr=subprocess.PIPE, text=True)
    need(p.returncode == 64 and "/nonexistent" in p.stderr, f"no file: {p.returncode} {p.stderr}")
    p = subprocess.run([a.gosan, "import", "/"], stderr=subprocess.PIPE, text=True)
    need(p.returncode == 65 and "/" in p.stderr, f"a directory: {p.returncode} {p.stderr}")
    p = subprocess.run([a.gosan, "import", "--location"], stderr=subprocess.PIPE, text=True)
    need(p.returncode == 64 and "FILE" in p.stderr, f"no FILE: {p.returncode} {p.stderr}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["random", "edges", "refused"])
    p.add_argument("--gosan", required=True)
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    {"random": check_random, "edges": check_edges, "refused": check_refused}[a.what](a)
    print("FAILED" if failures else "ok")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
