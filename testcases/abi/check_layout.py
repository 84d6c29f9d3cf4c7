#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of another layout than the library's (detector/hot/hot.h) lose nothing but speed.

usage: check_layout.py --gosan GOSAN --libdir LIBDIR

The symbol that carries the layout's number is renamed in the program's object, in libgosan_hot.a, or in both, and a
library defines the new one, as the libgosan_hooks.so of that layout would. Under gosan the race must be found with
both stacks whole. Without binutils or gcc there is nothing to rename: status 77.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
OTHER = "__tsan_gosan_self_999"


def run(*argv, status=0):
    p = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=120, check=False)
    if p.returncode != status:
        sys.exit(f"{' '.join(map(str, argv))}: status {p.returncode}, expected {status}\n{p.stdout}{p.stderr}")
    return p.stdout + p.stderr


def own_symbol(libdir):
    """The name as libgosan.so has it."""
    names = [line.split()[-1].split("@")[0] for line in run("nm", "-D", libdir / "libgosan.so").splitlines()
             if "__tsan_gosan_self_" in line]
    return names[0] if names else sys.exit("libgosan.so has no layout")


def renamed(source, target, own, other):
    run("objcopy", *(["--redefine-sym", f"{own}={OTHER}"] if other else []), source, target)
    return target


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gosan", required=True)
    p.add_argument("--libdir", required=True, type=pathlib.Path)
    a = p.parse_args()
    for tool in ("gcc", "nm", "objcopy"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            sys.exit(77)
    own = own_symbol(a.libdir)
    with tempfile.TemporaryDirectory(prefix="gosan-layout-") as scratch:
        tmp = pathlib.Path(scratch)
        (tmp / "nobody.c").write_text(f"__thread void *{OTHER};\n")
        run("gcc", "-shared", "-fPIC", tmp / "nobody.c", "-o", tmp / "libnobody.so")
        run(a.gosan, "cc", "-O1", "-c", HERE / "layout.c", "-o", tmp / "own.o")
        need_inlined = own in run("nm", tmp / "own.o")
        for other_object, other_hot in ((False, False), (True, True), (True, False), (False, True)):
            program = tmp / "program"
            run("gcc", renamed(tmp / "own.o", tmp / "layout.o", own, other_object),
                renamed(a.libdir / "libgosan_hot.a", tmp / "libhot.a", own, other_hot), f"-L{tmp}", "-lnobody",
                f"-L{a.libdir}", "-lgosan_hooks", f"-Wl,-rpath,{tmp}:{a.libdir}", "-pthread", "-o", program)
            out = run(a.gosan, "run", program, status=66)
            which = f"object {'other' if other_object else 'own'}, hot {'other' if other_hot else 'own'}"
            # Five calls of `deeper` or, folded, fewer; then those above it.
            if out.count(" outer ") < 2 or " worker " not in out or " main " not in out or "GS101" not in out:
                sys.exit(f"{which}: stacks are not whole:\n{out}")
            print(f"{which}: both stacks are whole")
    if not need_inlined:
        print("nothing is inlined on this machine")


if __name__ == "__main__":
    main()
