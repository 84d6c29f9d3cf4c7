# SPDX-License-Identifier: Apache-2.0
"""The tables: what each test of a foreign suite must give, and why where that is not what the suite says.

A row: test, suite's verdict, ours, reason (tab separated). A verdict is `clean`, or kinds separated by commas, or
several of these separated by `;` when the test has several runs. A kind may end in `?`: it may be missing (what the
program does is left to chance, and the reason says so). Ours is `=` when it is the suite's. `n/a`: the test is not
run, and the reason says why. Every row whose third cell is not `=` needs a reason.
"""
import collections
import pathlib
import re

Row = collections.namedtuple("Row", "test suite ours reason")
ACCESS_KINDS = frozenset(("GS101", "GS102"))
KIND = re.compile(r"GS\d{3}\??$")


class TableError(Exception):
    pass


def parse_verdict(text, where):
    runs = []
    for part in text.split(";"):
        kinds = [] if part.strip() == "clean" else [k.strip() for k in part.split(",")]
        if not all(KIND.match(k) for k in kinds):
            raise TableError(f"{where}: not a verdict: {part!r}")
        runs.append((frozenset(k for k in kinds if not k.endswith("?")), frozenset(k.rstrip("?") for k in kinds)))
    return runs


def load(path):
    """{test: Row}; a malformed table is an error, not a guess."""
    rows = {}
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        where, cells = f"{path}:{number}", line.split("\t")
        if len(cells) not in (3, 4):
            raise TableError(f"{where}: {len(cells)} cells, not 3 or 4")
        row = Row(*[c.strip() for c in cells], *[""] * (4 - len(cells)))
        if row.test in rows:
            raise TableError(f"{where}: {row.test} is listed twice")
        if row.ours != "=" and not row.reason:
            raise TableError(f"{where}: {row.test} differs from its suite without a reason")
        if row.ours != "n/a":
            parse_verdict(wanted(row), where)
        rows[row.test] = row
    return rows


def wanted(row):
    return row.suite if row.ours == "=" else row.ours


def says_something(verdict):
    return "GS" in verdict


def expand(want, runs, sees_accesses):
    """One verdict for each of RUNS runs; a run that sees no accesses is not asked for races."""
    if len(want) > 1:
        return want
    want = want * max(runs, 1)
    for i, sees in enumerate(sees_accesses[:runs]):
        if not sees:
            want[i] = tuple(kinds - ACCESS_KINDS for kinds in want[i])
    return want


def judge(row, runs, sees_accesses=()):
    """None when RUNS (a list of sets of codes) is what ROW wants, else a sentence."""
    want = expand(parse_verdict(wanted(row), row.test), len(runs), sees_accesses)
    if len(want) != len(runs):
        return f"{len(runs)} runs, not {len(want)}"
    for number, ((must, may), got) in enumerate(zip(want, runs), 1):
        run = f" in run {number}" if len(runs) > 1 else ""
        if not got <= may:
            return f"unexpected {','.join(sorted(got - may))}{run}"
        if not must <= got:
            return f"missing {','.join(sorted(must - got))}{run}" + (f" (got {','.join(sorted(got))})" if got else "")
    return None
