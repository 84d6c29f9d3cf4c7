#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages and completions against the program.

usage: check_pages.py man|bash|zsh --gosan GOSAN --tools DIR

  man    a page for each command, each option of its --help in the page or in the one that it refers to, no
         warning of mandoc and groff
  bash   what TAB offers after some beginnings of a command line
  zsh    the same
Exit status 77: skipped, with the reason.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

failures = []


def need(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def out(*argv, **kw):
    return subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, **kw).stdout


def commands(gosan):
    found = re.findall(r"^  ([a-z+]{1,8}) .*  \S", out(gosan, "--help"), re.M)
    return [c for c in found if c != "gosan"]


def man(a):
    pages = pathlib.Path(a.tools, "man")
    overview = (pages / "gosan.1").read_text()
    need(len(commands(a.gosan)) >= 6, f"commands {commands(a.gosan)}")
    for command in commands(a.gosan):
        page = pages / f"gosan-{command}.1"
        if not page.exists():
            need(False, f"{page} is missing")
            continue
        text = page.read_text()
        if text.startswith(".so "):
            text = (pages / text.split("/")[1].strip()).read_text()
            command = re.search(r"^\.TH GOSAN\\-(\S+)", text, re.M).group(1).lower()
        need(f"gosan\\-{command} (1)" in overview, f"gosan(1) names {command}")
        usage = out(a.gosan, command, "--help")
        need(usage.lower().startswith(f"usage: gosan {command}"), f"gosan {command} --help begins with its usage: {usage[:80]}")
        # A page that says whose options hold, too, need not repeat them.
        for other in re.findall(r"options of\n\.BR gosan\\-(\w+) \(1\)", text):
            text += (pages / f"gosan-{other}.1").read_text()
            for third in re.findall(r"options of\n\.BR gosan\\-(\w+) \(1\)", text):
                text += (pages / f"gosan-{third}.1").read_text()
        for option in re.findall(r"^ +(?:-., )?(--[a-z-]+)", out(a.gosan, command, "--help"), re.M):
            if option not in ("--usage", "--version"):
                need(option.replace("-", "\\-") in text, f"{page.name}: {option}")
    if not shutil.which("mandoc") and not shutil.which("groff"):
        skip("the pages are there; no mandoc and no groff to check them with")
    for page in sorted(pages.glob("*.1")):
        if page.read_text().startswith(".so "):
            continue
        if shutil.which("mandoc"):
            text = out("mandoc", "-Tlint", "-W", "warning", page)
            need(not text, f"mandoc: {text}")
        if shutil.which("groff"):
            text = subprocess.run(["groff", "-man", "-ww", "-z", str(page)], stderr=subprocess.PIPE, text=True).stderr
            need(not text, f"groff: {text}")


WANTED = [  # words of the line, with what is being typed last; must offer; must not
    (["g"], ["gate"], ["run"]),
    ([""], ["run", "gate", "baseline", "cc", "c++", "explain"], ["gosan", "First"]),
    (["run", "--for"], ["--format"], ["--quiet"]),
    (["gate", "--ru"], ["--runs"], ["--format"]),
    (["import", "--lo"], ["--locations"], ["--quiet"]),
    (["dump", "--la"], ["--last"], ["--stacks"]),
    (["run", "--no-"], ["--no-checks"], ["--checks"]),
    (["report", "--source"], ["--source-root"], ["--suppressions"]),
    (["r"], ["run", "report"], ["gate"]),
    (["dump", "--by"], ["--by-goroutine"], ["--all"]),
    (["export", "--lo"], ["--locations"], ["--process"]),
    (["import", "--q"], ["--quiet"], ["--locations"]),
    (["gate", "--base"], ["--baseline"], ["--runs"]),
    (["export", "--f"], ["--format"], ["--output"]),
    (["baseline", ""], ["update", "stale"], ["run"]),
    (["explain", "GS10"], ["GS101", "GS102"], ["GS201"]),
    (["explain", "lock"], ["lock-order"], ["deadlock"]),
]


def check_offers(offers):
    for words, wanted, unwanted in WANTED:
        got = offers(words)
        for word in wanted:
            need(word in got, f"gosan {' '.join(words)}: {word} is offered, not {got}")
        for word in unwanted:
            need(word not in got, f"gosan {' '.join(words)}: {word} is not offered")


def environment(a):
    return {**os.environ, "PATH": f"{os.path.dirname(os.path.abspath(a.gosan))}:{os.environ['PATH']}"}


def bash(a):
    script = pathlib.Path(a.tools, "completion", "gosan.bash")

    def offers(words):
        line = f'. {script}; COMP_WORDS=(gosan "$@"); COMP_CWORD=$#; _gosan; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return out("bash", "-c", line, "bash", *words, env=environment(a)).split()

    check_offers(offers)


def zsh(a):
    """The functions of zsh's completion system are replaced by ones that print what they are given; matching the
    beginning is theirs, so it is done here."""
    if not shutil.which("zsh"):
        skip("no zsh")
    script = pathlib.Path(a.tools, "completion", "_gosan")
    stubs = """
_describe() { print -l -- ${${(P)2}%%:*} }
_values() { shift; print -l -- "$@" }
_alternative() { : }
_files() { : }
words=(gosan "$@"); CURRENT=$#words
. $SCRIPT
"""

    def offers(words):
        text = out("zsh", "-f", "-c", stubs, "zsh", *words, env={**environment(a), "SCRIPT": str(script)})
        return [w for w in text.split() if w.startswith(words[-1])]

    check_offers(offers)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("check", choices=("man", "bash", "zsh"))
    p.add_argument("--gosan", required=True)
    p.add_argument("--tools", required=True)
    a = p.parse_args()
    {"man": man, "bash": bash, "zsh": zsh}[a.check](a)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
