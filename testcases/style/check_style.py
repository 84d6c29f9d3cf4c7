#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house's mechanical style: shape of functions and files, first lines, words that don't belong.

usage: check_style.py ROOT    prints one line per offence and a table of the shape; exit 1 on any offence
"""
import pathlib
import re
import statistics
import sys

SOURCES = ("runtime", "detector", "tools")
FILE_MAX, HEADER_MAX, FUNCTION_MAX, MEDIAN_MAX, P90_MAX = 600, 200, 80, 12, 35
HEADER_EXEMPT = {"runtime/goroutine.h": "the one public header documents the whole API",
                 "runtime/probe.h": "the whole seam to a watcher in one place"}
# A generated table, or one switch over an enumeration, may be longer than FUNCTION_MAX: name it here.
FUNCTION_EXEMPT = set()
FORBIDDEN = [(re.compile(r"\b(FIXME|TODO|XXX|HACK)\b"), "an unfinished thing is a skipped test, not a note"),
             (re.compile(r"/(work|tmp/h-|root)/"), "a path of somebody's machine"),
             (re.compile(r"typedef\s+struct\s+(?!go_)\w*"), "no struct typedefs but public opaque handles")]
ARCH_IFDEF = re.compile(r"^\s*#\s*if.*__(x86_64|aarch64)__", re.M)


def strip(text):
    """Blank out comments, strings and preprocessor lines; keep the line structure."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)


def functions(text):
    """(name, first line, lines of the body) of each function: a brace at column 0 after a parameter list."""
    lines = strip(text).split("\n")
    start = None
    for i, line in enumerate(lines):
        if line.startswith("{") and start is None:
            head = " ".join(lines[max(0, i - 6):i])
            names = re.findall(r"(\w+)\s*\([^;{}]*\)\s*(?:__attribute__\s*\(\(.*?\)\)\s*)?$", head.strip())
            start = (names[-1] if names else "?", i)
        elif line.startswith("}") and start is not None:
            if start[0] != "?":
                yield start[0], start[1] + 1, i - start[1] - 1
            start = None


def comment_ratio(text):
    comments = sum(m.group(0).count("\n") + 1 for m in re.finditer(r"/\*.*?\*/|//[^\n]*", text, re.S))
    code = sum(1 for line in strip(text).split("\n") if line.strip())
    code += len(re.findall(r"^\s*#", text, re.M))
    return comments, code


def main():
    root = pathlib.Path(sys.argv[1])
    offences, lengths, comments, code = [], [], 0, 0
    files = sorted(p for d in SOURCES for p in (root / d).rglob("*") if p.suffix in (".c", ".h", ".S", ".def"))
    if len(files) < 20:
        offences.append(f"{root}: only {len(files)} source files found")
    for path in files:
        name = str(path.relative_to(root))
        text = path.read_text()
        n = text.count("\n")
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text.split("\n")[:2]):
            offences.append(f"{name}:1: no SPDX line")
        limit = HEADER_MAX if path.suffix == ".h" else FILE_MAX
        if n > limit and name not in HEADER_EXEMPT:
            offences.append(f"{name}: {n} lines, at most {limit}")
        for pattern, why in FORBIDDEN:
            for m in pattern.finditer(text):
                offences.append(f"{name}:{text[:m.start()].count(chr(10)) + 1}: '{m.group(0)}': {why}")
        if ARCH_IFDEF.search(text) and "arch/" not in name and not name.startswith("runtime/sys"):
            offences.append(f"{name}: processor #ifdef outside runtime/arch and sys")
        c, k = comment_ratio(text)
        comments, code = comments + c, code + k
        if path.suffix != ".c":
            continue
        for fn, line, length in functions(text):
            lengths.append(length)
            if length > FUNCTION_MAX and fn not in FUNCTION_EXEMPT:
                offences.append(f"{name}:{line}: {fn} has {length} lines, at most {FUNCTION_MAX}")
    lengths.sort()
    median, p90 = statistics.median(lengths), lengths[int(len(lengths) * 0.9)]
    if median > MEDIAN_MAX or p90 > P90_MAX:
        offences.append(f"functions: median {median}, 90th percentile {p90}; at most {MEDIAN_MAX} and {P90_MAX}")
    ratio = comments / code
    if not 0.20 <= ratio <= 0.45:
        offences.append(f"comment lines to code lines: {ratio:.2f}, wanted 0.20 to 0.35 (0.45 with headers)")
    print("\n".join(offences))
    print(f"{len(files)} files, {len(lengths)} functions: median {median}, 90th percentile {p90}, "
          f"longest {lengths[-1]}; comment:code {ratio:.2f}; {len(offences)} offences")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
