#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build the Debian packages, hold them against lintian, install them, use them as a stranger would, remove them.

usage: check_package.py SOURCE_DIR

Exit status 77: skipped, with the reason (not Debian, no root to install with, a tool or a build dependency is
missing, gosan is installed already).
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PACKAGES = ("libgoroutine0", "libgoroutine-dev", "gosan")

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(user C)
enable_testing()
find_package(goroutine REQUIRED)
add_executable(race race.c)
target_link_libraries(race PRIVATE goroutine::goroutine)
gosan_instrument(race)
gosan_add_test(NAME race COMMAND race)
"""


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def run(*argv, status=0, **kw):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       stdin=subprocess.DEVNULL, **kw)
    if p.returncode != status:
        sys.exit(f"{' '.join(map(str, argv))}: status {p.returncode}, not {status}\n{p.stdout[-3000:]}")
    return p.stdout


def installed(package):
    p = subprocess.run(["dpkg-query", "-W", "-f=${Status}", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                       text=True)
    return "ok installed" in p.stdout


def build(source, tmp):
    """The packages' files, from a copy of what git would commit, whoever owns it."""
    copy = tmp / "gosan"
    files = run("git", "-c", "safe.directory=*", "-C", source, "ls-files", "-z", "--cached", "--others",
                "--exclude-standard").split("\0")
    for name in filter(None, files):
        if (source / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, copy / name)
    missing = subprocess.run(["dpkg-checkbuilddeps"], cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
    if missing.returncode != 0:
        skip(missing.stdout.strip())
    env = {**os.environ, "DEB_BUILD_OPTIONS": "parallel=2"}
    run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=copy, env=env, timeout=1500)
    found = [d for p in PACKAGES for d in tmp.glob(f"{p}_*.deb")]
    if len(found) != len(PACKAGES) or not list(tmp.glob("gosan-dbgsym_*.deb")):
        sys.exit(f"packages: {sorted(d.name for d in tmp.glob('*.deb'))}")
    return found


def use(source, tmp):
    """Everything by its usual name: nothing in this run knows where the packages were built."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GOSAN", "LD_", "GITHUB"))}
    racy = source / "testcases/guide/pitfalls/data_race_bug.c"
    user = tmp / "user"
    user.mkdir()
    shutil.copy(source / "testcases/guide/pitfalls/waitgroup_return_bug.c", user / "other.c")
    shutil.copy(racy, user / "race.c")
    for header in (source / "testcases").glob("*.h"):
        shutil.copy(header, tmp)
    for header in racy.parent.glob("*.h"):
        shutil.copy(header, user)
    run("/usr/bin/gosan", "cc", "-O1", "-I", racy.parent, racy, "-o", tmp / "race", env=env)
    if "error[GS101]" not in run("/usr/bin/gosan", "run", tmp / "race", status=66, env=env):
        sys.exit("the race was not found")
    for format_ in ("sarif", "junit", "html"):
        run("/usr/bin/gosan", "run", f"--format={format_}:{tmp}/report", tmp / "race", status=66, env=env)
        if "data race on counter" not in (tmp / "report").read_text():
            sys.exit(f"--format={format_}")
    page = run("/usr/bin/gosan", "explain", "GS101", env=env)
    if page.count("```c") != 2 or "go_waitgroup" not in page:
        sys.exit("explain shows no program")
    flags = run("pkg-config", "--cflags", "--libs", "goroutine", env=env).split()
    run("gcc", racy, "-I", racy.parent, "-o", tmp / "plain", *flags, env=env)
    run(tmp / "plain", env=env)
    (user / "CMakeLists.txt").write_text(PROJECT)
    run("cmake", "-S", user, "-B", user / "build", env=env)
    run("cmake", "--build", user / "build", env=env)
    if "GS101" not in run("ctest", "--test-dir", user / "build", "--output-on-failure", status=8, env=env):
        sys.exit("the test of the CMake project shows no race")


def remove():
    """Somebody else may hold dpkg's lock for a moment."""
    for _ in range(60):
        subprocess.run(["dpkg", "--purge", *reversed(PACKAGES)], stdout=subprocess.DEVNULL, check=False)
        if not any(installed(p) for p in PACKAGES):
            break
        time.sleep(1)
    if any(installed(p) for p in PACKAGES) or pathlib.Path("/usr/bin/gosan").exists():
        sys.exit("the packages could not be removed")


def main():
    # ctest ends a test that takes too long by a signal; what was installed must go all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    source = pathlib.Path(sys.argv[1]).resolve()
    for tool in ("dpkg-buildpackage", "lintian", "dh", "git"):
        if not shutil.which(tool):
            skip(f"no {tool}")
    if not (source / ".git").exists():
        skip("no git repository: what belongs to the packages is what git knows")
    if os.geteuid() != 0:
        skip("packages can be installed by root only")
    if any(installed(p) for p in PACKAGES):
        skip("one of the packages is installed on this machine already")
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        packages = build(source, tmp)
        print(run("lintian", "--allow-root", "--fail-on=error,warning", "--tag-display-limit=0",
                  next(tmp.glob("*.changes"))))
        try:
            run("dpkg", "-i", *packages)
            use(source, tmp)
        finally:
            remove()


if __name__ == "__main__":
    main()
