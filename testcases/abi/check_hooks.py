#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every hook that a compiler emits is one that we have.

usage: check_hooks.py --gosan GOSAN --libdir LIBDIR

accesses.c and accesses.cpp are compiled with each compiler that is there, at each level of optimisation, with the
flags that change which hooks are emitted. Both libgosan.so and libgosan_hooks.so must define all of them, and the
programs must print the same native (by the stub), under gosan, and without any instrumentation.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GCC = [[], ["--param", "tsan-distinguish-volatile=1"], ["--param", "tsan-instrument-func-entry-exit=0"]]
CLANG = [[], ["-mllvm", "-tsan-distinguish-volatile"], ["-mllvm", "-tsan-compound-read-before-write"],
         ["-mllvm", "-tsan-distinguish-volatile", "-mllvm", "-tsan-compound-read-before-write",
          "-mllvm", "-tsan-instrument-read-before-write"]]
COMPILERS = [("gcc", "g++", GCC)]
COMPILERS += [(f"clang{v}", f"clang++{v}", CLANG) for v in ("", *(f"-{n}" for n in range(14, 22)))]

failures = []


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=120, **kw)


def need(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def symbols(option, path):
    out = run("nm", *option, path).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def compile_one(compiler, flags, source, out):
    r = run(compiler, "-w", *flags, "-c", HERE / source, "-o", out)
    need(r.returncode == 0, f"{compiler} {' '.join(flags)} {source}: {r.stderr[:400]}")
    return r.returncode == 0


def outputs(a, compiler, source, obj, tmp):
    """The program's output without hooks, with the stub's, with the detector's."""
    plain, hooked = tmp / "plain", tmp / "hooked"
    wide = ["-DWIDE", "-mcx16"] if source.endswith(".c") else []
    rs = [run(compiler, "-w", *wide, HERE / source, "-o", plain, "-latomic"),
          run(compiler, obj, "-o", hooked, f"-L{a.libdir}", "-lgosan_hooks", f"-Wl,-rpath,{a.libdir}", "-latomic")]
    rs += [run(plain), run(hooked), run(a.gosan, "run", "--quiet", hooked)] if not any(r.returncode for r in rs) else []
    for r in rs:
        need(r.returncode == 0, f"{compiler} {source}: {r.args[0]}: status {r.returncode}\n{r.stderr[:400]}")
    return [r.stdout for r in rs[2:]]


def check(a, defined, compiler, source, variants, tmp):
    """All hooks that this compiler emits for this source."""
    emitted = set()
    for level in ("-O0", "-O1", "-O2", "-O3"):
        for variant in variants:
            obj = tmp / f"{level}.o"
            wide = ["-DWIDE", "-mcx16"] if source.endswith(".c") else []
            if not compile_one(compiler, [level, "-fsanitize=thread", *wide, *variant], source, obj):
                return emitted
            hooks = {s for s in symbols(["-u"], obj) if s.startswith("__tsan_")}
            for lib, have in defined.items():
                need(hooks <= have, f"{compiler} {level} {variant}: {lib} lacks {sorted(hooks - have)}")
            emitted |= hooks
        if level not in ("-O0", "-O3"):
            continue
        got = outputs(a, compiler, source, obj, tmp)
        need(len(set(got)) == 1 and got, f"{compiler} {level} {source}: outputs differ: {got}")
    return emitted


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gosan", required=True)
    p.add_argument("--libdir", required=True)
    a = p.parse_args()
    defined = {lib: symbols(["-D", "--defined-only"], pathlib.Path(a.libdir, lib))
               for lib in ("libgosan.so", "libgosan_hooks.so")}
    emitted, seen = set(), set()
    with tempfile.TemporaryDirectory(prefix="gosan-abi-") as tmp:
        for c, cxx, variants in COMPILERS:
            for compiler, source in ((c, "accesses.c"), (cxx, "accesses.cpp")):
                program = shutil.which(compiler)
                same = (program and pathlib.Path(program).resolve(), source)  # clang is one of the others
                if program and same not in seen:
                    seen.add(same)
                    hooks = check(a, defined, compiler, source, variants, pathlib.Path(tmp))
                    print(f"{compiler} {source}: {len(hooks)} hooks")
                    emitted |= hooks
    need(len(emitted) > 80, f"only {len(emitted)} hooks were emitted: this test would be blind")
    print(f"{len(emitted)} hooks in all")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
