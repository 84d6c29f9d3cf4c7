#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold "gosan gate" and "gosan baseline" against their contract.

usage: contract_gate.py --gosan GOSAN --racy PROGRAM --clean PROGRAM

PROGRAM --racy has one data race, --clean has none; both end with 0 when nobody watches.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from contract import FINDING, FRAME, REPORT, exact, failures, need, run, status

ROW = {"program": str, "argv": list, "verdict": str, "exit_status": int, "count": int, "crashed": int, "killed": int,
       "timed_out": int, "events": int, "accesses": int, "findings": list}
SEEN = {"runs": int, "of": int, "processes": list}
GATE_REPORT = dict(REPORT, runs=int, processes=list, unseen=list, suppressions=list)

HANG = """
#include <goroutine.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	go_chan(int) ch = go_make(int, 1);
	go_send(ch, argc);
	for (;;)
		pause();
	return argv == NULL;
}
"""
NOTHING = "int main(void) { return 0; }\n"
ENTRY = "0123456789abcdef0123456789abcdef GS101 data race on something\n"


class Bench:
    """A directory with programs, and the tool with every temporary file in a place of its own."""

    def __init__(self, a, tmp):
        self.gosan, self.racy, self.clean = a.gosan, os.path.abspath(a.racy), os.path.abspath(a.clean)
        self.dir = pathlib.Path(tmp)
        self.tmp = self.dir / "tmp"
        self.tmp.mkdir()

    def file(self, name, text, mode=0o644):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def script(self, text, name="check.sh"):
        return self.file(name, "#!/bin/sh\n" + text, 0o755)

    def build(self, name, text, *options, tool=("cc",)):
        source = self.file(name + ".c", text)
        r = run(*tool, source, "-o", self.dir / name, *options)
        need(r.returncode == 0, f"{name} builds", r)
        return str(self.dir / name)

    def gate(self, *words, env=None):
        # With one processor each process sees its race once; with more, the schedule decides whether it meets it again.
        r = run(self.gosan, "gate", *words, env=dict({"TMPDIR": str(self.tmp), "GO_PROCS": "1"}, **(env or {})),
                cwd=self.dir)
        need(not list(self.tmp.iterdir()), "nothing is left in TMPDIR", r)
        return r

    def baseline(self, *words):
        return run(self.gosan, "baseline", *words, cwd=self.dir)

    def report(self, *words, want):
        r = self.gate(f"--format=json:{self.dir}/report.json", *words)
        need(r.returncode == want, f"{' '.join(words)}: status {want}", r)
        return json.loads((self.dir / "report.json").read_text())


def check_exit(b):
    status(66, "gate: 1 finding: 1 program checked", b.gate(b.racy))
    status(0, "gate: clean: 1 program checked", b.gate("--", b.clean))
    status(77, "gate: blind: none of 1 process", b.gate("true"))
    status(3, "the command's own status is 3", b.gate("sh", "-c", "exit 3"))
    status(3, "error[GS101]", b.gate("sh", "-c", f"{b.racy}; exit 3"))
    status(9, "error[GS101]", b.gate("--exit-code=9", b.racy))
    status(77, "every check is switched off", b.gate("--no-checks=all", b.clean))
    status(128 + 9, "stopped by signal 9", b.gate("sh", "-c", f"{b.clean}; kill -9 $$"))
    r = b.gate("--quiet", b.clean)
    need(r.returncode == 0 and not r.stderr, "--quiet says nothing", r)


def check_usage(b):
    status(64, "which command?", b.gate())
    status(64, "no such program", b.gate("nonexistent_program"))
    status(64, "did you mean '--runs'", b.gate("--rusn=2", b.clean))
    for n in ("0", "-1", "x", "1001", ""):
        status(64, "not a number from 1 to 1000", b.gate(f"--runs={n}", b.clean))
    status(0, "--runs=N", swapped(b.gate("--help")))
    status(0, "--keep", swapped(b.baseline("--help")))
    run_it = b.script(f"touch {b.dir}/ran\n")
    for bad in ("--baseline=/nonexistent", "--suppressions=/nonexistent", "--format=xml", "--format=json:/no/where"):
        status(64, "", b.gate(bad, run_it))
    need(not (b.dir / "ran").exists(), "what is refused has not run")


def swapped(r):
    """Help goes to standard output."""
    r.stderr = r.stdout
    return r


def check_tests_pass(b):
    """Findings do not change how a test ends, but with --halt-on-error."""
    script = b.script(f"set -e\n{b.racy}\n{b.racy}\n{b.clean}\necho all\n")
    r = b.gate(script)
    status(66, "gate: 1 finding: 2 programs checked in 4 processes", r)
    need("all\n" in r.stdout and r.stderr.count("error[GS101]") == 1, "one finding, and the script went on", r)
    r = b.gate("--halt-on-error", script)
    need(r.returncode == 66 and "all\n" not in r.stdout, "--halt-on-error ends the test", r)


def check_inside(b):
    """A test that runs gosan itself: its report, its status 0, the gate's verdict."""
    r = b.gate("sh", "-ec", f"{b.gosan} run -- {b.racy}; {b.gosan} run --baseline={b.file('own.txt', '')} "
               f"{b.clean} && echo on")
    status(66, "gate: 1 finding: 2 programs checked", r)
    need("on\n" in r.stdout and r.stderr.count("error[GS101]") == 2, "both reports", r)
    need("not seen" not in r.stderr, "the tool itself is not missed", r)
    status(0, "gate: clean", b.gate(b.gosan, "run", b.clean))
    status(3, "own status is 3", b.gate(b.gosan, "run", "sh", "-c", "exit 3"))


def check_json(b):
    report = b.report("--runs=2", "sh", "-c", f"{b.racy} one; {b.racy} two; {b.clean}", want=66)
    exact(report, GATE_REPORT, "report")
    need(report["argv"][:2] == ["sh", "-c"] and report["runs"] == 2, "program and argv are the command's")
    need(len(report["findings"]) == 1 and report["counters"]["findings"] == 1, "one finding of four processes")
    finding = report["findings"][0]
    exact(finding, dict(FINDING, seen=dict), "finding")
    exact(finding["seen"], SEEN, "seen")
    need(finding["count"] == 4 and finding["seen"]["runs"] == finding["seen"]["of"] == 2, "seen in two of two runs")
    need([x.split()[-1] for x in finding["seen"]["processes"]] == ["one", "two"], "by two command lines")
    for part in finding["participants"]:
        for frame in part["stack"]:
            exact(frame, FRAME, "frame")
    rows = {tuple(row["argv"][1:]): row for row in report["processes"] if row["argv"]}
    for row in report["processes"]:
        exact(row, ROW, "row")
    need(rows[("one",)]["verdict"] == "findings" and rows[("one",)]["findings"] == [finding["fingerprint"]] and
         rows[("one",)]["count"] == 2 and rows[()]["verdict"] == "clean" and not rows[()]["findings"], "rows")
    # Flaky: only in the second run.
    script = b.script(f"[ -e {b.dir}/second ] && exec {b.racy}\ntouch {b.dir}/second\nexec {b.clean}\n")
    report = b.report("--runs=3", script, want=66)
    need(report["findings"][0]["seen"]["runs"] == 2, "seen in two of three runs")
    (b.dir / "second").unlink()
    status(66, "seen in 2 of 3 runs (flaky)", b.gate("--runs=3", script))


def check_unseen(b):
    """What ran without our library is named, with the reason."""
    status(0, "not checked: " + b.clean + ": started without LD_PRELOAD",
           b.gate("sh", "-c", f"env -i {b.clean}; {b.clean}"))
    static = b.build("static", NOTHING, "-static")
    for command in (f"{static}; true", f"exec {static}", f"(cd {b.dir}; ./static)"):
        r = b.gate("sh", "-c", command)
        status(77, "statically linked", r)
        need("not seen" in r.stderr, "named in the summary", r)
    python = f"import subprocess as s; s.run(['{static}'])"
    r = b.gate(sys.executable, "-c", python)
    need(f"{static}: statically linked" in r.stderr, "what posix_spawn or vfork starts is missed too", r)
    r = b.gate("sh", "-c", f"/nonexistent/program; {b.clean}; {b.script('exit 0')}")
    need(r.returncode == 0 and "not seen" not in r.stderr, "a failed exec and a script are not missed", r)


def check_ends(b):
    """Crashed and killed programs are told; a limit is for tests, not for what drives them."""
    hang = b.build("hang", HANG, tool=(b.gosan, "cc"))
    # Killed when its stream shows that it is up.
    up = f"until grep -qs '\"program\":\"{hang}' $GOSAN_OUT/$p.raw"
    kill = b.script(f"{hang} & p=$!\n{up}; do :; done\nkill -9 $p\nwait $p\n{b.clean}\n")
    r = b.gate(kill)
    status(0, "what came after hang was killed", r)
    need("killed" in r.stderr, "a row says so", r)
    r = b.gate("--timeout=1", "sh", "-c", f"{hang}; echo went on; {b.clean}")
    status(124, "hang was stopped by --timeout", r)
    need("went on\n" in r.stdout, "the driver has no limit", r)
    need("goroutines and threads when the program was stopped" in r.stderr, "who waits for whom", r)


def check_signal(b):
    hang = b.build("hang2", HANG, tool=(b.gosan, "cc"))
    ready = b.script(f"{hang} &\np=$!\ntrap 'kill -9 $p; exit 5' TERM\nuntil [ -s $GOSAN_OUT/$p.raw ]; do :; done\n"
                     "echo up\nwait $p\n")
    tool = subprocess.Popen([b.gosan, "gate", ready], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=dict(os.environ, TMPDIR=str(b.tmp)))
    tool.stdout.read(1)
    tool.send_signal(signal.SIGTERM)
    try:
        err = tool.communicate(timeout=30)[1]
        need(tool.returncode == 5 and b"gate:" in err, f"a signal goes to the command: {tool.returncode} {err}")
    except subprocess.TimeoutExpired:
        tool.kill()
        need(False, "a signal ends the command")
    need(not list(b.tmp.iterdir()), "nothing is left after a signal")


def check_many(b):
    """Streams of ended processes do not pile up."""
    script = b.script(f"i=0\nwhile [ $i -lt 300 ]; do {b.clean} $((i % 3)) >/dev/null; i=$((i + 1)); done\n"
                      "n=0\nwhile [ $n -lt 20 ]; do set -- $GOSAN_OUT/*; [ $# -lt 100 ] && exit 0\n"
                      "sleep 1; n=$((n + 1)); done\nexit 9\n")
    report = b.report(script, want=0)
    rows = [row for row in report["processes"] if row["program"] == b.clean]
    need(len(rows) == 3 and sum(row["count"] for row in rows) == 300, f"300 processes in three rows: {rows}")


def check_suppressions(b):
    used = b.file("used.txt", "# ours\nrace:^increment$ expires=9999-12-31\nrace:^nobody$\n")
    r = b.gate(f"--suppressions={used}", "sh", "-c", f"{b.racy}; {b.racy}")
    status(0, f"{used}:2: suppression race:^increment$ was used 2 times", r)
    need(f"{used}:3: suppression race:^nobody$ matched nothing" in r.stderr and "2 suppressed" in r.stderr,
         "unused ones are named", r)
    old = b.file("old.txt", "race:^increment$ expires=2001-02-03\n")
    for how in (b.gate(f"--suppressions={old}", b.racy), run(b.gosan, "run", f"--suppressions={old}", b.racy)):
        status(66, f"{old}:1: suppression race:^increment$ expired on 2001-02-03", how)
    bad = b.file("bad.txt", "race:x expires=soon\n")
    status(64, f"{bad}:1: expires= needs a day as YYYY-MM-DD", b.gate(f"--suppressions={bad}", b.racy))
    # The line that a report offers is ready to use.
    line = next(x.split("suppress: ")[1] for x in b.gate(b.racy).stderr.splitlines() if "suppress: " in x)
    status(0, "1 suppressed", b.gate(f"--suppressions={b.file('paste.txt', line)}", b.racy))


def check_baseline_use(b):
    known = str(b.dir / "known.txt")
    status(64, "gosan baseline update", b.gate(f"--baseline={known}", b.racy))
    r = b.baseline("update", known, "--", b.racy)
    need(r.returncode == 0 and "1 entries, 1 added, 0 removed" in r.stdout, "an update makes the file", r)
    status(0, "1 baselined", b.gate(f"--baseline={known}", b.racy))
    status(0, "1 baselined", run(b.gosan, "run", f"--baseline={known}", b.racy))
    status(0, "1 baselined", run(b.gosan, "run", b.racy, env={"GOSAN_OPTIONS": f"baseline={known}"}))
    report = b.report(f"--baseline={known}", b.racy, want=0)
    need(report["counters"]["baselined"] == 1 and report["verdict"] == "clean" and not report["findings"] and
         report["baselined"][0]["code"] == "GS101" and report["stale"] == [], "baselined in JSON")
    with open(known, "a") as f:
        f.write("# gone\n" + ENTRY)
    number = len(pathlib.Path(known).read_text().splitlines())
    r = b.gate(f"--baseline={known}", b.racy)
    status(0, f"{known}:{number}: stale: 01234567", r)
    r = run(b.gosan, "run", f"--baseline={known}", b.racy)
    need("stale" not in r.stderr, "one program cannot tell what is stale", r)
    r = b.baseline("stale", known, "--", b.racy)
    need(r.returncode == 66 and f"{known}:{number}: {ENTRY}" in r.stdout, "stale lists it", r)
    before = pathlib.Path(known).read_text()
    status(3, "failed with status 3", b.baseline("update", known, "--", "sh", "-c", f"{b.racy}; exit 3"))
    status(77, "unchanged", b.baseline("update", known, "--", "true"))
    need(pathlib.Path(known).read_text() == before, "a run that is not whole changes nothing")
    r = b.baseline("update", known, "--keep", "--", b.racy)
    need(r.returncode == 0 and ENTRY in pathlib.Path(known).read_text(), "--keep keeps", r)
    os.chmod(known, 0o640)
    r = b.baseline("update", known, str(b.dir / "report.json"))
    need(r.returncode == 0 and "- " + ENTRY in r.stdout and "# gone" not in pathlib.Path(known).read_text(),
         "an update from a report", r)
    need(os.stat(known).st_mode & 0o777 == 0o640, "the mode of the file stays")


def check_baseline_bad(b):
    for text, number, says in ((ENTRY + "race:^x$\n", 2, "no fingerprint"), ("<<<<<<< a\n", 1, "a merge conflict"),
                               ("# ok\n\n" + ENTRY[:32] + " race\n", 3, "no code after the fingerprint")):
        bad = b.file("bad_base.txt", text)
        for r in (b.gate(f"--baseline={bad}", b.racy), run(b.gosan, "run", f"--baseline={bad}", b.racy),
                  b.baseline("update", bad, "--", b.racy)):
            status(65, f"{bad}:{number}: {says}", r)
    status(64, "cannot be read", b.gate(f"--baseline={b.dir}", b.racy))
    status(64, "update or stale?", b.baseline())
    status(64, "update or stale?", b.baseline("refresh", "x"))
    status(64, "which FILE?", b.baseline("update"))
    good = b.file("good.txt", ENTRY)
    status(64, "from what?", b.baseline("update", good))
    status(64, "reports or a command", b.baseline("update", good, "r.json", "--", "true"))
    status(64, "No such file", b.baseline("stale", str(b.dir / "none.txt"), "r.json"))
    status(65, "a report of --format=json is needed", b.baseline("stale", good, b.file("r.json", "{")))
    status(65, "not a report of gosan", b.baseline("stale", good, b.file("r.json", "{}")))
    odd = {"schema": "gosan/1", "verdict": "findings", "findings": [{"fingerprint": "xyz", "code": "GS101"}]}
    status(65, "finding 1 has no fingerprint", b.baseline("stale", good, b.file("r.json", json.dumps(odd))))
    blind = {"schema": "gosan/1", "verdict": "blind", "findings": []}
    status(77, "checked nothing or not all", b.baseline("update", good, b.file("r.json", json.dumps(blind))))
    status(64, "cannot be written", b.baseline("update", "/nonexistent/base.txt", b.file("r.json", json.dumps(
        dict(blind, verdict="clean")))))
    need(pathlib.Path(good).read_text() == ENTRY, "refused updates change nothing")


def check_ctest(b):
    """ctest in parallel, and itself inside a shell inside make where that is installed."""
    if not shutil.which("ctest"):
        print("skipped: no ctest")
        return
    tests = "".join(f"add_test(t{i} {b.racy if i % 2 else b.clean} {i})\n" for i in range(6))
    b.file("CTestTestfile.cmake", tests)
    r = b.gate("ctest", "-j3")
    status(66, "gate: 1 finding: 6 programs checked", r)
    need("100% tests passed" in r.stdout and "nothing to check in: ctest (1)" in r.stderr, "ctest sees them pass", r)
    if shutil.which("make"):
        b.file("Makefile", "check:\n\tsh -c 'ctest -j2 -R 2'\n")
        status(0, "gate: clean: 1 program checked", b.gate("make", "check", env={"MAKEFLAGS": ""}))


SECURE = "#include <sys/auxv.h>\nint main(void) { return getauxval(AT_SECURE) ? 42 : 43; }\n"


def check_privileged(b):
    """In the loader's secure mode nothing is preloaded. A program of another user, for whom it runs."""
    program = b.build("privileged", SECURE)
    os.chmod(b.dir, 0o755)
    if os.getuid() != 0:
        print("a set-uid program: left out: needs root to make one")
        return
    os.chown(program, 65534, 65534)
    os.chmod(program, 0o4755)
    if run(program).returncode != 42:
        print("a set-uid program: left out: such bits count for nothing in this file system")
        return
    r = b.gate("--", "sh", "-c", f"{program}; test $? = 42")
    status(77, "set-user-id", r)
    need(f"{program}: " in r.stderr, "the set-uid program is named", r)
    r = b.gate("--", "sh", "-c", f"{program}; {b.racy}; true")
    status(66, "set-user-id", r)
    need("not checked" in r.stderr, "a gate with findings still says what ran unseen", r)
    r = run(b.gosan, "run", program)
    status(77, "set-user-id", r)


def main():
    p = argparse.ArgumentParser()
    for name in ("--gosan", "--racy", "--clean"):
        p.add_argument(name, required=True)
    p.add_argument("--only")
    a = p.parse_args()
    a.gosan = os.path.abspath(a.gosan)
    for check in (check_exit, check_usage, check_tests_pass, check_inside, check_json, check_unseen, check_privileged, check_ends,
                  check_signal, check_many, check_suppressions, check_baseline_use, check_baseline_bad, check_ctest):
        if a.only and a.only not in check.__name__:
            continue
        with tempfile.TemporaryDirectory(prefix="gosan-contract-") as tmp:
            check(Bench(a, tmp))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
