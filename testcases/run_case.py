#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run one case under gosan and hold the outcome against what the case says of itself.

usage: run_case.py --gosan GOSAN --source CASE.c PROGRAM    run under `gosan run`
       run_case.py --preload LIBGOSAN --source CASE.c PROGRAM    run with LD_PRELOAD, without the tool in front
       run_case.py --native --source CASE.c PROGRAM         run alone: output and exit status only
       run_case.py --matrix DIR [--check README | --write README]    the table of kinds and twins

A case is a program whose leading comment lines carry its expectation; README.md lists the keys. Each case
runs `--runs` times with each number of processors in `--procs`; kinds, verdict, exit status, the shape of
the JSON and of the text report, no lost events, and the same fingerprints every time are checked; the first
run with each number of processors is recorded, and its recording must show the same.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

KEYS = {"EXPECT", "EXIT", "ARGS", "TIMEOUT", "FLAGS", "LIBS", "LINK", "INSTRUMENT", "RUNTIME", "OPTIONS", "VERDICT",
        "OBJECT", "OBJECT-KIND", "GRADE", "FUNCTIONS", "FINDINGS", "COUNT", "MATCH", "NEVER", "NOT-CHECKED", "REPORT",
        "INPUT", "PROCS", "BUILD", "COUNTER", "FINGERPRINT", "EXPECT-OUTPUT", "FUNCTIONS-MAY-BE-UNKNOWN"}
GRADES = ("proved", "likely", "possible")
TEXT_PARTS = ("SUMMARY", "why", "fingerprint")
SKIP = 77


class Failure(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Failure(message)


# ------------------------------------------------------------------------------------- what a case says --

class Case:
    """The expectation in the leading comments of a source file."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.expect, self.output, self.keys, self.output_mode = [], [], {}, None
        for line in self.path.read_text().splitlines()[1:]:
            m = re.match(r"// (?:([A-Z][A-Z-]+): ?(.*)|([|~][\d+*?]*)(?: (.*))?)$", line)
            if not m:
                break
            key, value, mark, text = m.groups()
            if mark:
                self.output.append((mark, text or ""))
            else:
                self.add(key, value)
        need(self.expect or self.keys.get("REPORT") == "none", f"{path}: no EXPECT line")

    def add(self, key, value):
        need(key in KEYS, f"{self.path}: unknown key {key}")
        if key == "EXPECT" and value != "clean":
            need(re.fullmatch(r"GS\d{3} [a-z-]+", value), f"{self.path}: bad EXPECT: {value}")
        if key == "EXPECT":
            self.expect.append(value)
        elif key == "EXPECT-OUTPUT":
            self.output_mode = value
        else:
            self.keys[key] = value

    def get(self, key, default=None):
        return self.keys.get(key, default)

    def kinds(self):
        return sorted(tuple(e.split()) for e in self.expect if e != "clean")

    def program_status(self):
        """What the program itself ends with: a number, or minus a signal."""
        value = self.get("EXIT", "0")
        return -getattr(signal, value) if value.startswith("SIG") else int(value)

    def exit_status(self):
        own = self.program_status()
        if own == 0 and self.get("VERDICT") == "blind":
            return 77
        return 66 if own == 0 and self.kinds() else own


# ------------------------------------------------------------------------------------ builds at test time --

TSAN = ["-g", "-O1", "-w", "-D_GNU_SOURCE", "-pthread", "-fsanitize=thread"]
BUILDS = {"gcc-tsan": ("gcc", []), "gcc-tsan-static": ("gcc", ["-static-libtsan"]),
          "clang-tsan": ("clang-14", []), "clang-tsan-shared": ("clang-14", ["-shared-libsan"]),
          "gcc-tsan-library": ("gcc", []), "gcc-tsan-dlopen": ("gcc", [])}


class Skip(Exception):
    pass


def compiler_for(case, name):
    return {"gcc": "g++", "clang-14": "clang++-14"}[name] if case.path.suffix == ".cpp" else name


def build(case, kind, tmp):
    """The program of a case with a BUILD key, as a stranger would have built it: with ThreadSanitizer, not by us. In
    a -library or -dlopen build only a shared library is, made of the same source with LIBRARY defined."""
    name, flags = BUILDS[kind]
    compiler, program = compiler_for(case, name), os.path.join(tmp, case.path.stem)
    extra = shlex.split(case.get("FLAGS", "")) + flags
    library = os.path.join(tmp, "libcase.so")
    if kind.endswith(("-library", "-dlopen")):
        commands = [[compiler, *TSAN, *extra, "-DLIBRARY", "-fPIC", "-shared", case.path, "-o", library],
                    [compiler, "-g", "-w", "-D_GNU_SOURCE", "-pthread", *extra, case.path, "-o", program]]
        commands[1] += [library, f"-Wl,-rpath,{tmp}"] if kind.endswith("-library") else [f'-DPLUGIN="{library}"']
    else:
        commands = [[compiler, *TSAN, *extra, case.path, "-o", program]]
    for command in commands:
        if not shutil.which(command[0]):
            raise Skip(f"no {command[0]} here")
        r = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if r.returncode and re.search(r"cannot find.*(tsan|clang_rt)|(tsan|clang_rt).*(No such|not found)", r.stderr):
            raise Skip(f"{command[0]} has no ThreadSanitizer runtime here")
        need(r.returncode == 0, f"{' '.join(map(str, command))}: {r.stderr}")
    return program


# ------------------------------------------------------------------------------------------- one run --

class Run:
    """A finished process: status, standard output and error, and the parsed JSON when there is one."""

    def __init__(self, argv, env, timeout, stdin, report):
        proc = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = proc.communicate(stdin.encode(), timeout)
        except subprocess.TimeoutExpired:
            os.killpg(proc.pid, signal.SIGKILL)
            out, err = proc.communicate()
            raise Failure(f"not done after {timeout} seconds\n{text_of(out)}{text_of(err)}") from None
        self.status, self.out, self.err, self.report = proc.returncode, text_of(out), text_of(err), None
        self.offline = None
        if report and os.path.exists(report):
            try:
                with open(report) as f:
                    self.report = json.load(f)
            except ValueError as e:
                raise Failure(f"the JSON report is no JSON: {e}") from None


def text_of(data):
    return data.decode(errors="replace")


def environment(procs):
    env = {k: v for k, v in os.environ.items() if k not in ("GOSAN_OPTIONS", "GOSAN_OUT", "LD_PRELOAD")}
    env["GO_PROCS"] = str(procs)
    return env


def own_options(case):
    return shlex.split(case.get("OPTIONS", "").replace("{dir}", str(case.path.parent)))


def run_once(case, args, procs, offline):
    """offline: the run is recorded, and what its recording shows is in run.offline."""
    with tempfile.TemporaryDirectory(prefix="gosan-case-") as tmp:
        report, trace, env = os.path.join(tmp, "report.json"), os.path.join(tmp, "trace"), environment(procs)
        command = [args.program] + shlex.split(case.get("ARGS", ""))
        if args.preload:
            env["LD_PRELOAD"] = os.path.abspath(args.preload)
        elif not args.native:
            command = [args.gosan, "run", "--format=text", f"--format=json:{report}"] + \
                ([f"--trace={trace}"] if offline else []) + own_options(case) + ["--"] + command
        timeout = float(case.get("TIMEOUT", "30"))
        run = Run(command, env, timeout, case.get("INPUT", ""), report)
        if offline:
            again = os.path.join(tmp, "offline.json")
            run.offline = Run([args.gosan, "report", f"--format=json:{again}"] + own_options(case) + [trace], env, 60,
                              "", again)
        return run


# ------------------------------------------------------------------------------------- standard output --

def check_output(case, out):
    if case.output_mode is None:
        return
    if case.output_mode == "ordered":
        pattern = "".join(f"(?:{element(mark, text)}\n){count(mark)}" for mark, text in case.output)
        need(re.fullmatch(pattern, out), f"unexpected output:\n{out}")
        return
    lines = out.splitlines()
    for mark, text in sorted(case.output, key=lambda o: o[0] != "|"):
        found = [line for line in lines if re.fullmatch(element(mark, text), line)]
        if mark == "|":
            found = found[:1]
        for line in found:
            lines.remove(line)
        need(re.fullmatch(f"(?:x){count(mark)}", "x" * len(found)),
             f"output line '{text}' seen {len(found)} times:\n{out}")
    need(not lines, f"unexpected output lines: {lines}")


def element(mark, text):
    return re.escape(text) if mark == "|" else text


def count(mark):
    """| and ~ once, ~5 five times, ~* ~+ ~? as in regular expressions."""
    return "" if len(mark) == 1 else mark[1:] if mark[1] in "*+?" else "{" + mark[1:] + "}"


# --------------------------------------------------------------------------------------- the JSON report --

FRAME = {"function": str, "file": str, "line": int, "column": int, "inlined": bool, "module": str, "offset": str}
PARTICIPANT = {"role": str, "goroutine": int, "thread": int, "name": str, "op": str, "size": int, "locks": list,
               "stack": list, "created_by": int, "created_at": list}
OBJECT = {"kind": str, "name": str, "address": str, "size": int, "created_at": list}
FINDING = {"code": str, "kind": str, "grade": str, "title": str, "fingerprint": str, "count": int, "object": dict,
           "participants": list, "why": str, "help": str, "reproduce": str}
REPORT = {"schema": str, "program": str, "argv": list, "verdict": str, "exit_status": int, "counters": dict,
          "not_checked": list, "findings": list}
COUNTERS = ("events", "accesses", "lost", "goroutines", "threads", "suppressed", "baselined")


def check_shape(value, shape, where):
    for key, kind in shape.items():
        need(key in value, f"{where}: no key {key}")
        need(isinstance(value[key], kind) and (kind is bool or not isinstance(value[key], bool)),
             f"{where}: {key} is {value[key]!r}, not a {kind.__name__}")


def check_frames(frames, where):
    for frame in frames:
        check_shape(frame, FRAME, where)


def check_schema(report):
    check_shape(report, REPORT, "report")
    need(report["schema"] == "gosan/1", f"schema is {report['schema']}")
    need(report["verdict"] in ("clean", "findings", "blind"), f"verdict is {report['verdict']}")
    for counter in COUNTERS:
        need(isinstance(report["counters"].get(counter), int), f"no counter {counter}")
    for finding in report["findings"]:
        where = finding.get("code", "finding")
        check_shape(finding, FINDING, where)
        check_shape(finding["object"], OBJECT, where)
        check_frames(finding["object"]["created_at"], where)
        need(finding["grade"] in GRADES, f"{where}: grade {finding['grade']}")
        need(re.fullmatch("[0-9a-f]{32}", finding["fingerprint"]), f"{where}: fingerprint {finding['fingerprint']}")
        need(finding["title"] and finding["why"], f"{where}: no title or no why")
        for text in ("title", "why", "help"):
            need(not re.search(r"\{(pc|fn|var|obj)\b", finding[text]), f"{where}: raw placeholder in {finding[text]}")
        need(finding["participants"], f"{where}: no participants")
        for part in finding["participants"]:
            check_shape(part, PARTICIPANT, where)
            check_frames(part["stack"] + part["created_at"], where)


def functions_of(finding):
    return {f["function"].split("(")[0] for p in finding["participants"] for f in p["stack"] + p["created_at"]}


def check_finding(case, finding):
    code = finding["code"]
    if code in ("GS101", "GS102"):
        need(len(finding["participants"]) >= 2, f"{code}: fewer than two participants")
        need(all(p["stack"] for p in finding["participants"][:2]), f"{code}: a stack is missing")
        if not case.get("FUNCTIONS-MAY-BE-UNKNOWN"):
            need(all(p["stack"][0]["function"] for p in finding["participants"][:2]),
                 f"{code}: a function is missing")
    if case.get("GRADE"):
        need(finding["grade"] == case.get("GRADE"), f"{code}: grade {finding['grade']}")
    if case.get("OBJECT"):
        name = finding["object"]["name"]
        need(re.match(re.escape(case.get("OBJECT")) + r"\b", name), f"{code}: object is '{name}'")
    if case.get("OBJECT-KIND"):
        need(finding["object"]["kind"] == case.get("OBJECT-KIND"), f"{code}: object is {finding['object']['kind']}")


def check_findings(case, findings):
    got = sorted({(f["code"], f["kind"]) for f in findings})
    need(got == sorted(set(case.kinds())), f"expected {case.kinds() or 'nothing'}, got {got or 'nothing'}")
    for finding in findings:
        check_finding(case, finding)
    if case.get("FINDINGS"):
        need(len(findings) == int(case.get("FINDINGS")), f"{len(findings)} findings")
    if case.get("COUNT"):
        need(sum(f["count"] for f in findings) == int(case.get("COUNT")), f"counts {[f['count'] for f in findings]}")
    seen = set().union(*map(functions_of, findings)) if findings else set()
    missing = set(case.get("FUNCTIONS", "").split()) - seen
    need(not missing, f"no stack has {sorted(missing)}; they have {sorted(seen)}")


def check_report(case, run):
    need(run.report is not None, f"no JSON report\n{run.err}")
    check_schema(run.report)
    check_findings(case, run.report["findings"])
    verdict = run.report["verdict"]
    allowed = case.get("VERDICT", "findings" if case.kinds() else "clean").split("|")
    need(verdict in allowed, f"verdict is {verdict}, not one of {allowed}")
    lost = {k: v for k, v in run.report["counters"].items() if v and re.search(r"lost", k)}
    need(not lost, f"lost: {lost}")
    if case.get("COUNTER"):
        need(run.report["counters"].get(case.get("COUNTER")), f"counter {case.get('COUNTER')} is 0")
    if case.get("NOT-CHECKED"):
        need(any(re.search(case.get("NOT-CHECKED"), n) for n in run.report["not_checked"]), "not_checked is silent")


def check_text(case, run):
    if case.get("MATCH"):
        need(re.search(case.get("MATCH"), run.err), f"no '{case.get('MATCH')}' on standard error")
    if case.get("NEVER"):
        need(not re.search(case.get("NEVER"), run.err), f"'{case.get('NEVER')}' on standard error")
    for code, kind in case.kinds():
        for part in TEXT_PARTS + (code, kind.replace("-", " ")):
            need(part in run.err, f"no '{part}' in the text report")


def in_short(report):
    return sorted((f["code"], f["fingerprint"], f["grade"]) for f in report["findings"])


def check_offline(case, run):
    """The recording shows what the run showed: the same bugs with the same fingerprints, and nothing lost. Of a program
    that was killed it may show more, for it is judged at its end."""
    need(run.offline.report is not None, f"no report of the recording\n{run.offline.err}")
    check_schema(run.offline.report)
    then, now = in_short(run.report), in_short(run.offline.report)
    need(then == now or case.program_status() < 0 and set(then) <= set(now),
         f"the recording shows {now}, the run {then}\n{run.offline.err}")
    verdicts = run.report["verdict"], run.offline.report["verdict"]
    need(verdicts[0] == verdicts[1] or then != now, f"verdict of the run {verdicts[0]}, of its recording {verdicts[1]}")
    lost = {k: v for k, v in run.offline.report["counters"].items() if v and re.search(r"lost", k)}
    need(not lost, f"lost in the recording: {lost}")


def same_status(got, want):
    return got == want or want < 0 and got == 128 - want


def check_run(case, args, run):
    want = case.program_status() if args.native else case.exit_status()
    need(same_status(run.status, want), f"exit status {run.status}, not {want}")
    if case.program_status() == 0:
        check_output(case, run.out)
    if args.native:
        return set()
    check_text(case, run)
    if args.preload or case.get("REPORT") == "none":
        return set()
    check_report(case, run)
    if run.offline:
        check_offline(case, run)
    return {(f["code"], f["fingerprint"]) for f in run.report["findings"]}


def run_builds(args):
    """Cases that bring their own way to be built: in each of the ways that they name."""
    case, done = Case(args.source), 0
    if args.native:
        return SKIP
    for kind in case.get("BUILD").split():
        if args.preload and kind == "clang-tsan-shared":
            continue  # its runtime is in no directory of the linker's, so the program doesn't start at all
        with tempfile.TemporaryDirectory(prefix="gosan-case-") as tmp:
            try:
                args.program = build(case, kind, tmp)
            except Skip as skip:
                print(f"{case.path}: {kind}: {skip}")
                continue
            if run_case(args):
                print(f"{case.path}: as built by {kind}")
                return 1
            done += 1
    return 0 if done else SKIP


def run_case(args):
    case, prints = Case(args.source), None
    if args.native and (case.get("REPORT") == "none" or case.get("OPTIONS")):
        print(f"{case.path}: only makes sense under gosan")
        return SKIP
    for procs in case.get("PROCS", args.procs).split(","):
        for n in range(args.runs):
            run = None
            try:
                run = run_once(case, args, procs, n == 0 and args.gosan and not args.native and
                               case.get("REPORT") != "none")
                now = check_run(case, args, run)
                need(prints in (None, now) or case.get("FINGERPRINT") == "varies",
                     f"fingerprints differ from the first run's: {prints} {now}")
                prints = now
            except Failure as failure:
                print(f"{case.path}: GO_PROCS={procs}, run {n + 1}: {failure}")
                if run:
                    print(f"--- standard output\n{run.out[-2000:]}\n--- standard error\n{run.err[-6000:]}")
                return 1
    return 0


# ------------------------------------------------------------------------------------------- the matrix --

def kinds_of_detector(root):
    table = (root.parent / "detector" / "finding.h").read_text()
    return re.findall(r'^\s*X\((\d{3}), "([a-z-]+)"', table, re.M)


def matrix(root):
    cases = [(Case(p), p.relative_to(root)) for p in sorted(root.rglob("*.c*"))
             if re.search(r"_(bug|ok)\.(c|cpp)$", p.name)]
    lines = ["| code | kind | buggy cases | silent twins |", "|---|---|---|---|"]
    bare = []
    for code, kind in kinds_of_detector(root):
        bugs = [p for c, p in cases if (f"GS{code}", kind) in c.kinds()]
        folders = {p.parent for p in bugs if p.parts[0] == "cases"} | {pathlib.Path("cases") / f"GS{code}"}
        oks = [p for c, p in cases if not c.kinds() and p.parent in folders]
        if not bugs or not oks:
            bare.append(f"GS{code}")
        lines.append(f"| GS{code} | `{kind}` | {len(bugs)}: {names(bugs)} | {len(oks)}: {names(oks)} |")
    need(not bare, f"no bug case or no twin for {bare}")
    return "\n".join(lines) + "\n"


def names(paths):
    short = [re.sub(r"_(bug|ok)$", "", p.stem) for p in paths if p.parts[0] == "cases"]
    other = [p for p in paths if p.parts[0] != "cases"]
    return ", ".join(short) + (f", and {len(other)} in guide/ and robust/" if other else "")


BEGIN, END = "<!-- matrix: begin (run_case.py --matrix) -->\n", "<!-- matrix: end -->\n"


def run_matrix(args):
    table = matrix(pathlib.Path(args.matrix).resolve())
    if not (args.check or args.write):
        print(table, end="")
        return 0
    readme = pathlib.Path(args.check or args.write)
    text = readme.read_text()
    head, rest = text.split(BEGIN)
    new = head + BEGIN + table + END + rest.split(END)[1]
    if args.write:
        readme.write_text(new)
    elif new != text:
        print(f"{readme}: the matrix is out of date: run_case.py --matrix {args.matrix} --write {readme}")
        return 1
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gosan", help="the tool")
    p.add_argument("--preload", help="libgosan.so")
    p.add_argument("--native", action="store_true")
    p.add_argument("--source", help="the case's source")
    p.add_argument("--runs", type=int, default=3, help="runs per number of processors")
    p.add_argument("--procs", default="1,2,8")
    p.add_argument("--matrix", metavar="DIR")
    p.add_argument("--check", metavar="README")
    p.add_argument("--write", metavar="README")
    p.add_argument("program", nargs="?")
    args = p.parse_args()
    try:
        if args.matrix:
            return run_matrix(args)
        if not args.source or not (args.gosan or args.preload or args.native):
            p.error("--source and one of --gosan, --preload and --native are needed")
        for needed in filter(None, (args.program, args.gosan, args.preload)):
            need(os.path.exists(needed), f"{needed} does not exist: build first")
        if not args.program and not Case(args.source).get("BUILD"):
            p.error("a program is needed")
        return run_case(args) if args.program else run_builds(args)
    except Failure as failure:
        print(failure)
        return 1


if __name__ == "__main__":
    sys.exit(main())
