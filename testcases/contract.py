#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold the tool's command line, exit statuses and JSON against its contract.

usage: contract.py --gosan GOSAN --preload LIBGOSAN --racy PROGRAM --clean PROGRAM

PROGRAM --racy has one data race, --clean has none; both end with 0 when nobody watches.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

FRAME = {"function": str, "file": str, "line": int, "column": int, "inlined": bool, "module": str, "offset": str}
PARTICIPANT = {"role": str, "goroutine": int, "thread": int, "name": str, "op": str, "size": int, "locks": list,
               "stack": list, "created_by": int, "created_at": list}
OBJECT = {"kind": str, "name": str, "address": str, "size": int, "created_at": list}
FINDING = {"code": str, "kind": str, "grade": str, "title": str, "fingerprint": str, "count": int, "object": dict,
           "participants": list, "why": str, "help": str, "reproduce": str}
REPORT = {"schema": str, "program": str, "argv": list, "verdict": str, "exit_status": int, "counters": dict,
          "not_checked": list, "findings": list}

WAITS = """
#include <signal.h>
#include <unistd.h>
static void caught(int sig)
{
	_exit(sig == SIGUSR1 ? 5 : 6);
}
int main(void)
{
	signal(SIGUSR1, caught);
	if (write(1, "x", 1) == 1)
		sleep(30);
	return 1;
}
"""

# Main reads before the thread has begun, and a lock orders the two: the race shows when the thread comes first.
HIDDEN = """
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int visits;
static void *visit(void *arg)
{
	pthread_mutex_lock(&m);
	visits++;
	pthread_mutex_unlock(&m);
	return arg;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, NULL, visit, NULL);
	int before = visits;
	visit(NULL);
	pthread_join(t, NULL);
	printf("%d\\n", before);
	return 0;
}
"""

DAEMON = """
#include <unistd.h>
int main(void)
{
	char up;
	int fds[2];
	if (pipe(fds) != 0)
		return 1;
	if (fork() != 0)
		return read(fds[0], &up, 1) != 1;
	if (setsid() > 0 && write(fds[1], "x", 1) == 1)
		sleep(2);
	return 0;
}
"""

failures = []


def need(condition, what, run=None):
    if not condition:
        failures.append(what)
        print("FAILED:", what)
        if run:
            print(f"  status {run.returncode}\n  out: {run.stdout[-300:]}\n  err: {run.stderr[-600:]}")


def run(*argv, env=None, **kw):
    full = {k: v for k, v in os.environ.items() if k not in ("GOSAN_OPTIONS", "GOSAN_OUT", "LD_PRELOAD", "TMPDIR")}
    full.update(env or {})
    return subprocess.run([str(a) for a in argv], env=full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, **kw)


def status(want, says, r):
    """The run ended with this status and said this on standard error, wherever lines were broken."""
    what = f"{' '.join(r.args[1:])}: status {want}" + (f", '{says}'" if says else "")
    need(r.returncode == want and (says in r.stderr or says in " ".join(r.stderr.split())), what, r)


def exact(value, shape, where):
    need(set(value) == set(shape), f"{where}: members {set(value) ^ set(shape)}")
    for key, kind in shape.items():
        need(type(value.get(key)) is kind, f"{where}: {key} is {value.get(key)!r}")


def check_json(a):
    r = run(a.gosan, "run", "--format=json:-", "--", a.racy)
    report = json.loads(r.stdout[r.stdout.index('{\n "schema"'):])
    exact(report, REPORT, "report")
    need(len(report["findings"]) == 1, "one finding", r)
    for finding in report["findings"]:
        exact(finding, FINDING, "finding")
        exact(finding["object"], OBJECT, "object")
        frames = list(finding["object"]["created_at"])
        for part in finding["participants"]:
            exact(part, PARTICIPANT, "participant")
            frames += part["stack"] + part["created_at"]
        for frame in frames:
            exact(frame, FRAME, "frame")


def check_options(a):
    gosan = a.gosan
    status(66, "error[GS101]", run(gosan, "run", a.racy))
    status(9, "error[GS101]", run(gosan, "run", "--exit-code=9", a.racy))
    status(64, "from 0 to 255", run(gosan, "run", "--exit-code=256", a.racy))
    status(64, "did you mean '--format'", run(gosan, "run", "--formt=json", a.racy))
    status(64, "did you mean 'race'", run(gosan, "run", "--checks=rase", a.racy))
    status(64, "no check is named", run(gosan, "run", "--checks=", a.racy))
    status(77, "every check is switched off", run(gosan, "run", "--no-checks=all", a.racy))
    status(0, "clean", run(gosan, "run", "--no-checks=race", a.racy))
    status(0, "clean", run(gosan, "run", a.clean))
    r = run(gosan, "run", "--quiet", a.clean)
    need(r.returncode == 0 and not r.stderr, "--quiet says nothing", r)


def check_reports(a):
    """What cannot be written is refused before the program runs."""
    with tempfile.TemporaryDirectory() as tmp:
        one, two = os.path.join(tmp, "a b.json"), os.path.join(tmp, "t")
        status(66, "", run(a.gosan, "run", f"--format=json:{one}", f"--format=text:{two}", a.racy))
        need(json.load(open(one))["schema"] == "gosan/1" and "error[GS101]" in open(two).read(), "two reports")
    nowhere = "/nonexistent/report"
    r = run(a.gosan, "run", f"--format=json:{nowhere}", a.racy)
    status(64, "cannot write the report", r)
    need(not r.stdout, "refused before it ran", r)
    status(64, "unknown format", run(a.gosan, "run", a.racy, env={"GOSAN_OPTIONS": "format=xml"}))
    status(64, "cannot write", run(a.gosan, "run", a.racy, env={"GOSAN_OPTIONS": f"log_path={nowhere}"}))


def check_preload(a):
    """Without the tool in front: no report is not a clean run."""
    def preload(program, **env):
        return run(program, env={"LD_PRELOAD": os.path.abspath(a.preload), **env})

    status(66, "error[GS101]", preload(a.racy))
    status(66, "error[GS101]", preload(a.racy, TMPDIR="/nonexistent"))
    status(0, "clean", preload(a.clean))
    status(64, "unknown format", preload(a.racy, GOSAN_OPTIONS="format=xml"))
    status(64, "/nonexistent/s", preload(a.racy, GOSAN_OPTIONS="suppressions=/nonexistent/s"))
    status(64, "use 0 to 255", preload(a.racy, GOSAN_OPTIONS="exitcode=300"))
    with tempfile.TemporaryDirectory() as tmp:
        alone = pathlib.Path(tmp, "lib", "libgosan.so")
        alone.parent.mkdir()
        alone.write_bytes(pathlib.Path(a.preload).read_bytes())
        r = run(a.racy, env={"LD_PRELOAD": str(alone)})
        status(66, "the tool 'gosan' is not beside", r)
        need("{" not in r.stderr, "no raw placeholders", r)
        pathlib.Path(tmp, "bin").mkdir()
        pathlib.Path(tmp, "bin", "gosan").symlink_to(os.path.abspath(a.gosan))
        # The detector knows itself, whatever its file is called: else it is a part of the program that has a runtime inside.
        other = alone.rename(alone.parent / "other.so")
        status(0, "clean", run(a.clean, env={"LD_PRELOAD": str(other)}))
        status(66, "error[GS101]", run(a.racy, env={"LD_PRELOAD": str(other)}))


def check_own_runtime(a):
    """A program with a ThreadSanitizer inside, where the tool can't refuse it: preloaded alone, or somebody's child."""
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "own.c"), os.path.join(tmp, "own")
        pathlib.Path(source).write_text("int n;\nint main(void)\n{\n\treturn n++;\n}\n")
        for compiler in (["gcc", "-static-libtsan"], ["clang-14"]):
            if not shutil.which(compiler[0]) or run(*compiler, "-fsanitize=thread", source, "-o", program).returncode:
                continue
            said = "memory accesses in own: ThreadSanitizer's runtime is linked into it"
            status(77, said, run(program, env={"LD_PRELOAD": os.path.abspath(a.preload)}))
            status(77, said, run(a.gosan, "run", "sh", "-c", f"{program}; exit $?"))


UNORDERED = """#include <pthread.h>
static int n;
static void *count(void *arg)
{
	n++;
	return arg;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, count, 0);
	n++;
	pthread_join(t, 0);
	return 0;
}
"""
GO = """package main

var n int

func main() {
	done := make(chan int)
	for i := 0; i < 4; i++ {
		go func() {
			done <- 1
		}()
	}
	for i := 0; i < 4; i++ {
		n += <-done
	}
}
"""


def check_go(a):
    """A Go program runs, but is not declared clean: nobody follows its goroutines. Nor is what looks like races there
    reported, in the run or from a recording. A C program stands for one by the section that gccgo makes; a real one is
    tried where gccgo is."""
    said = "is Go, whose scheduler this version does not follow"
    with tempfile.TemporaryDirectory() as tmp:
        source, program, trace = (os.path.join(tmp, n) for n in ("own.c", "program", "t.gosan"))
        pathlib.Path(source).write_text(UNORDERED)
        status(0, "", run(a.gosan, "cc", source, "-o", program))
        status(66, "error[GS101]", run(a.gosan, "run", program))
        pathlib.Path(source).write_text(UNORDERED + '__asm__(".section .go_export; .byte 0; .text");\n')
        status(0, "", run(a.gosan, "cc", source, "-o", program))
        status(77, said, run(a.gosan, "run", f"--trace={trace}", program))
        status(77, said, run(a.gosan, "report", trace))
        # Preloaded alone it may be anybody's child, so it keeps its status.
        status(0, said, run(program, env={"LD_PRELOAD": os.path.abspath(a.preload)}))
        status(0, "", run("strip", program))
        status(77, said, run(a.gosan, "run", program))
        gccgo = next((g for g in ("gccgo", "gccgo-12", "gccgo-13", "gccgo-14") if shutil.which(g)), None)
        if not gccgo:
            print("no gccgo: no real Go program was tried")
            return
        source, objects = os.path.join(tmp, "real.go"), os.path.join(tmp, "real.o")
        pathlib.Path(source).write_text(GO)
        for how in ([], ["-static-libgo"], ["-fsanitize=thread"]):
            status(0, "", run(gccgo, "-g", *how, "-c", source, "-o", objects))
            status(0, "", run(gccgo, *how, objects, "-o", program))
            status(77, said, run(a.gosan, "run", program))


def check_limits(a):
    """A program that may not write large files does not die of the detector's."""
    r = run(a.gosan, "run", a.racy, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512)))
    status(77, "findings not written", r)


def check_builds(a):
    with tempfile.TemporaryDirectory() as tmp:
        source, objects, program = (os.path.join(tmp, n) for n in ("daemon.c", "joined.o", "daemon"))
        pathlib.Path(source).write_text(DAEMON)
        status(0, "", run(a.gosan, "cc", "-r", source, "-o", objects))
        status(0, "", run(a.gosan, "cc", objects, "-o", program))
        r = run(a.gosan, "run", program)
        need("which goes on" in r.stderr, "a daemon that outlives the run is told", r)
        shown = run(a.gosan, "cc", "--show", "-c", source, env={"GOSAN_CC": "gcc"}).stdout
        need("-fno-builtin-strcpy" in shown, "gcc leaves strings to libc, where they are seen")


def check_compiler(a):
    """What configure scripts and makefiles ask of a compiler."""
    with tempfile.TemporaryDirectory() as tmp:
        def cc(*args, want=0, name="cc", **env):
            r = run(a.gosan, name, *args, cwd=tmp, env=env)
            need((r.returncode == 0) == (want == 0), f"{name} {' '.join(args)}: status {want}", r)
            return r.stdout

        def here(name, text=None):
            path = pathlib.Path(tmp, name)
            if text is not None:
                path.write_text(text)
            return path.exists()

        here("conftest.c", "#include <stdio.h>\nint n; int main(void) { n++; return puts(\"x\") < 0; }\n")
        here("lib.c", "int n; int up(void); int up(void) { return ++n; }\n")
        here("inner.rsp", "-O1 -DNAME='\"a b\"'")
        here("outer.rsp", "@inner.rsp conftest.c -o 'by response'")
        cc("conftest.c")
        need(here("a.out"), "a.out without -o")
        cc("-c", "conftest.c")
        need(here("conftest.o"), "an object without -o")
        cc("conftest.o", "-o", "linked", "-Wl,-z,now", "-lm")
        cc("@outer.rsp")
        need(here("by response"), "response files name others")
        cc("-shared", "-fPIC", "-Wl,-z,defs", "-Wl,-soname,liblib.so", "lib.c", "-o", "liblib.so")
        if shutil.which("ld.gold"):
            cc("-fuse-ld=gold", "conftest.c", "-o", "gold")
        need("puts" in cc("-E", "conftest.c"), "-E preprocesses")
        for question in ("--version", "-dumpmachine", "-print-prog-name=ld"):
            need(cc(question).strip(), f"{question} is answered")
        cc("conftest.c", "-lno_such_library", want=1)
        cc("-Werror", "-fno-such-flag", "-c", "conftest.c", want=1)
        cc("-static", "conftest.c", want=64)
        cc("-flto", "-O2", "conftest.c", "-o", "lto")
        need("__tsan" in run("nm", "-D", os.path.join(tmp, "lto")).stdout, "-flto leaves the hooks in")
        link = pathlib.Path(a.gosan).parent / "gosan-cc"
        need(run(link, "-dumpmachine", env={"CC": f"{link}"}).returncode == 0, "gosan-cc is a compiler, also as CC")
        shown = cc("--show", "-c", "conftest.c", GOSAN_CC="clang-14") if shutil.which("clang-14") else ""
        need("vectorize" not in shown, "clang vectorises to 16 bytes, which it has hooks for")
        shown = cc("--show", "-march=haswell", "-c", "conftest.c", GOSAN_CC="clang-14")
        need(not shutil.which("clang-14") or "-fno-vectorize" in shown, "but not to 32")


def check_signals(a):
    """The program gets what the tool gets, and does not outlive a tool that was killed."""
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "waits.c"), os.path.join(tmp, "waits")
        pathlib.Path(source).write_text(WAITS)
        status(0, "", run(a.gosan, "cc", source, "-o", program))
        for sig, want in ((signal.SIGUSR1, 5), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -9)):
            tool = subprocess.Popen([a.gosan, "run", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, env=dict(os.environ, TMPDIR=tmp))
            tool.stdout.read(1)
            tool.send_signal(sig)
            try:
                tool.communicate(timeout=20)  # until the program, too, has closed its output
            except subprocess.TimeoutExpired:
                need(False, f"{sig.name} ends the program")
                tool.kill()
                tool.communicate()
            need(tool.returncode == want, f"{sig.name}: status {want}, not {tool.returncode}")


HANGS = """#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>
static sem_t never;
static void *waits(void *arg) { (void)arg; sem_wait(&never); return 0; }
int main(void)
{
	pthread_t t;
	if (fork() == 0 && fork() >= 0)
		for (;;)
			pause();
	sem_init(&never, 0, 0);
	pthread_create(&t, 0, waits, 0);
	pthread_join(t, 0);
}
"""


def check_seed(a):
    """Seeds are schedules of threads: what the usual one hides, some of them shows. Each is likely to; all together miss it
    once in 2^100."""
    with tempfile.TemporaryDirectory() as tmp:
        prog = f"{tmp}/hidden"
        pathlib.Path(prog + ".c").write_text(HIDDEN)
        need(run(a.gosan, "cc", prog + ".c", "-o", prog).returncode == 0, "it compiles")
        seen = (run(a.gosan, "run", f"--seed={seed}", "--", prog) for seed in range(1, 400))
        r = next((r for r in seen if r.returncode), None)
        need(r, "some seed shows the race")
        status(66, f"gosan run --seed={r.args[2][7:]} -- {prog}", r)
    for options, want in (["--runs=3"], "-\n2\n3\n"), (["--runs=2", "--seed=9"], "9\n9\n"):
        r = run(a.gosan, "gate", *options, "--", "sh", "-c", 'echo "${GO_SEED:--}"')
        need(r.stdout == want, f"the seeds of repetitions with {options}", r)


def check_timeout(a):
    """What a program that hung had started ends with it: nobody holds its output open any longer."""
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "hangs.c"), os.path.join(tmp, "hangs")
        pathlib.Path(source).write_text(HANGS)
        status(0, "", run("gcc", "-g", source, "-o", program, "-lpthread"))
        tool = subprocess.Popen([a.gosan, "run", "--timeout=1", program], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            _, err = tool.communicate(timeout=50)
            need(tool.returncode == 66, f"the hang is found: status {tool.returncode}: {err}")
        except subprocess.TimeoutExpired:
            need(False, "the children of a program that hung end with it")
            tool.kill()


def main():
    p = argparse.ArgumentParser()
    for name in ("--gosan", "--preload", "--racy", "--clean"):
        p.add_argument(name, required=True)
    a = p.parse_args()
    for check in (check_json, check_options, check_reports, check_preload, check_own_runtime, check_go, check_limits,
                  check_builds, check_compiler, check_signals, check_seed, check_timeout):
        check(a)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
