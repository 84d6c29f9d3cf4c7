#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gdb commands of runtime/goroutine-gdb.py, on a process that gdb runs and on a core file of it; and the static
tracepoints, which gdb knows how to read.

    test_gdb.py PROGRAM SCRIPT       PROGRAM is parked.c, with debug information

Exit 77: no gdb with Python here, or it may not trace a process.
"""
import os
import shutil
import subprocess
import sys
import tempfile

LIVE = ["break marker", "run"]
ASK = ["info goroutines", "goroutine 2 bt", "goroutine 2 print depth", "goroutine 3 bt", "goroutine 1 bt",
       "print mu", "print wg"]
WANT = [
    "     1  running on thread 1    main",
    "     2  chan recv              outer (reader)",
    "     3  mutex                  locker",
    " in inner (",
    " in outer (",
    "= 42",
    "locker () at ",
    "#0  marker (",
    "= locked, 1 waiting",
    "= counter 3, 0 waiting",
]


def gdb(args, commands):
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as script:
        script.write("\n".join(["set confirm off", "set pagination off", "set width 0"] + commands) + "\n")
        script.flush()
        # gdb can only copy whole megabytes into a core file, and guard markers make it drop those they lie in.
        env = dict(os.environ, GO_GUARD="mprotect", DEBUGINFOD_URLS="")
        return subprocess.run(["gdb", "-q", "-nx", "-batch", "-x", script.name] + args, env=env, text=True, timeout=100,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def compare(what, output):
    missing = [text for text in WANT if text not in output]
    if missing:
        print("%s: not in gdb's answer: %s\n%s" % (what, missing, output))
        sys.exit(1)


def main():
    program, script = sys.argv[1:]
    if not shutil.which("gdb") or "ready" not in gdb([], ["python print('ready')"]):
        print("skipped: no gdb with Python")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        core = os.path.join(folder, "core")
        live = gdb([program], LIVE + ["source " + script] + ASK + ["generate-core-file " + core, "kill"])
        if "Breakpoint 1, marker" not in live:
            if "ptrace" in live or "Operation not permitted" in live or "Cannot create process" in live:
                print("skipped: gdb may not trace a process here\n" + live)
                return 77
        compare("live", live)
        if not os.path.exists(core):
            print("gdb wrote no core file\n" + live)
            return 1
        compare("core", gdb([program, core], ["source " + script] + ASK))
    probes = gdb([program], ["info probes stap goroutine", "break -probe-stap goroutine:park", "run",
                             "print $_probe_argc", "print (int) $_probe_arg1", "kill"])
    # main's own, of a free mutex: inline in a program that nobody traces.
    locks = gdb([program], ["break -probe-stap goroutine:lock_acquire", "run",
                            "print (long) $_probe_arg0 == (long) &'parked.c'::mu", "bt", "kill"])
    if "$1 = 1" not in locks or "main () at " not in locks:
        print("a tracer does not see a lock of a free mutex\n" + locks)
        return 1
    missing = [name for name in ("spawn", "run", "park", "ready", "chan_send", "chan_recv", "chan_pair", "lock_acquire",
                                 "wg_add", "timer_arm", "fault") if " %s " % name not in probes]
    # The first to park is the goroutine that was started last: GO_WAIT_MUTEX.
    if missing or "$1 = 4" not in probes or "$2 = 6" not in probes:
        print("tracepoints: missing %s\n%s" % (missing, probes))
        return 1
    print("gdb answers alike on the process and on its core file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
