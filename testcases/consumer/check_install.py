#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs a build into a scratch prefix, moves it, and uses it as a stranger would.

usage: check_install.py BUILD_DIR

find_package with both libraries, gosan_instrument and gosan_add_test; pkg-config; gosan cc, run and explain from the prefix;
the bare preload; a program that was linked for ThreadSanitizer; CMake with gosan-cc; the man page. The prefix is
moved before use: nothing may remember where it was.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(*argv, status=0, **kwargs):
    p = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=300, **kwargs)
    if p.returncode != status:
        sys.exit(f"{' '.join(map(str, argv))}: status {p.returncode}, expected {status}\n{p.stdout}{p.stderr}")
    return p.stdout + p.stderr


def need(condition, what):
    if not condition:
        sys.exit(f"check_install: {what}")


def check_takeover(gosan, libdir, cases, scratch):
    """A program that was linked with gcc's shared ThreadSanitizer, where there is one."""
    if not shutil.which("gcc") or "/" not in run("gcc", "-print-file-name=libtsan.so"):
        print("no libtsan here: nothing to take over")
        return
    program = scratch / "linked"
    run("gcc", "-w", "-g", "-O1", "-fsanitize=thread", cases / "takeover_race_bug.c", "-o", program)
    out = run(gosan, "run", program, status=66)
    need("GS101" in out and "ThreadSanitizer" not in out, "not taken over:\n" + out)
    out = run(program, status=66, env=dict(os.environ, LD_PRELOAD=str(libdir / "libgosan.so")))
    need("GS101" in out and "ThreadSanitizer" not in out, "the bare preload doesn't take over:\n" + out)


def check_compiler(prefix, scratch):
    """CMake with the compilers of one word, on a project that knows nothing of gosan."""
    b = scratch / "stranger"
    env = {k: v for k, v in os.environ.items() if k not in ("CC", "CXX")}
    run("cmake", "-G", "Ninja", "-S", HERE / "compiler", "-B", b, f"-DCMAKE_C_COMPILER={prefix}/bin/gosan-cc",
        f"-DCMAKE_CXX_COMPILER={prefix}/bin/gosan-c++", env=env)
    run("cmake", "--build", b, env=env)
    need(run(b / "stranger").strip() == "2", "a program built by gosan-c++ computes something else")
    need("shared_counter" in run(prefix / "bin/gosan", "run", b / "stranger", status=66), "its race isn't found")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="gosan-install-"))
    try:
        run("cmake", "--install", build, "--prefix", scratch / "before")
        prefix = (scratch / "before").rename(scratch / "prefix")
        libdir = next(prefix.rglob("libgosan.so")).parent
        gosan = prefix / "bin/gosan"

        run("cmake", "-G", "Ninja", "-S", HERE, "-B", scratch / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", scratch / "b")
        out = run("ctest", "--test-dir", scratch / "b", "--no-tests=error", "-V")
        need("100% tests passed, 0 tests failed out of 2" in out and "Skipped" not in out, out)
        need(re.search(r"[1-9]\d* accesses", out), "gosan_instrument() shows gosan no accesses:\n" + out)
        for program in ("sum_goroutine", "sum_goroutine_static"):
            need(re.search(r" t __tsan_(read|write)", run("nm", scratch / "b" / program)),
                 f"gosan_instrument() leaves {program} without libgosan_hot.a")
        need(out.count("gosan: clean: ") == 2, "gosan_add_test did not run under gosan:\n" + out)

        env = dict(os.environ, PKG_CONFIG_PATH=str(libdir / "pkgconfig"))
        flags = run("pkg-config", "--define-prefix", "--cflags", "--libs", "goroutine", env=env).split()
        run("cc", HERE / "sum.c", "-o", scratch / "pc", *flags, f"-Wl,-rpath,{libdir}")
        need(run(scratch / "pc", 10).strip() == "55", "the pkg-config build computes something else")

        bug = HERE.parent / "guide/pitfalls/data_race_bug.c"
        run(gosan, "cc", "-O1", bug, "-o", scratch / "bug")
        need("GS101" in run(gosan, "run", scratch / "bug", status=66), "installed gosan finds nothing")
        env = dict(os.environ, LD_PRELOAD=str(libdir / "libgosan.so"))
        need("GS101" in run(scratch / "bug", status=66, env=env), "the bare preload finds nothing")
        check_takeover(gosan, libdir, bug.parent.parent.parent / "robust", scratch)
        check_compiler(prefix, scratch)
        page = run(gosan, "explain", "GS401")
        need("go_waitgroup_add" in page, "explain shows no program when installed:\n" + page)
        need((prefix / "share/man/man1/gosan.1").exists(), "no man page")
        need((prefix / "share/man/man7/goroutine.7").exists(), "no man page of the runtime")
    finally:
        shutil.rmtree(scratch)
    print("installed, moved and used: find_package, pkg-config, gosan cc, run, explain, preload")


if __name__ == "__main__":
    main()
