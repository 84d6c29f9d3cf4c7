# SPDX-License-Identifier: Apache-2.0
"""LLVM's ThreadSanitizer tests: a shell that understands their RUN lines.

The lines are run as they are, with ours in the place of lit's substitutions: %clang_tsan is `gosan cc`, %run is
`gosan run`, FileCheck keeps what it is given. What the run reported is read from gosan's JSON, not from the text
that FileCheck would have looked for. The words that the program itself prints, and the test looks for, are
checked in what FileCheck was given.
"""
import os
import re
import shlex
import stat

PACKAGE = "llvm-toolchain-14"
HOME = "compiler-rt/test/tsan"
FOLDERS = (HOME, "compiler-rt/test/sanitizer_common")

SCRIPTS = {
    # Each run of a program has its own report; what the test wants of the tool's options is suppressions only.
    "run": """\
n=$(ls "$CORPORA_OUT" | grep -c '^run[.]')
: >"$CORPORA_OUT/run.$n.json"
set -- -- "$@"
case ":$TSAN_OPTIONS" in
*:suppressions=*) s=":$TSAN_OPTIONS"; s=${s##*:suppressions=}; set -- --suppressions="${s%%:*}" "$@" ;;
esac
exec "$GOSAN" run --timeout="$CORPORA_TIMEOUT" --format=text --format=json:"$CORPORA_OUT/run.$n.json" "$@"
""",
    "FileCheck": """cat >>"$CORPORA_OUT/output"\n""",
    "not": """if "$@"; then exit 1; else exit 0; fi\n""",
    "deflake": """"$@" 2>&1\nexit 0\n""",
    "cc-tsan": """exec "$GOSAN" $CORPORA_MODE "$@"\n""",
}


def write_scripts(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in SCRIPTS.items():
        path = folder / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def discover(home):
    root = home / HOME
    paths = [*root.glob("*.c"), *root.glob("*.cpp"), *root.glob("Linux/*.c"), *root.glob("Linux/*.cpp"),
             *root.glob("libcxx/*.cpp")]
    return {str(p.relative_to(root)): p for p in sorted(paths) if "RUN:" in p.read_text(errors="replace")}


def run_lines(text):
    lines = re.findall(r"RUN:[ \t]*(.*)", text)
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [line.strip() for line in joined.split("\n") if line.strip()]


class Llvm:
    name, table, package, folders = "llvm", "llvm.tsv", PACKAGE, FOLDERS
    compilers = ("clang-14", "clang++-14")
    sees_accesses = ()  # every run does

    def __init__(self, home, tools):
        self.home, self.tools = home, tools
        self.tests = discover(home)
        self.scripts = tools.scratch / "bin"
        write_scripts(self.scripts)

    def environment(self, out):
        env = self.tools.environment()
        env.update(PATH=f"{self.scripts}:{env['PATH']}", GOSAN=str(self.tools.gosan), CORPORA_OUT=str(out),
                   CORPORA_TIMEOUT=str(self.tools.timeout), GOSAN_CC=self.compilers[0], GOSAN_CXX=self.compilers[1])
        return env

    def substitutions(self, path, stem):
        include = f"-Wall -Wno-unused-command-line-argument -w -I{self.home / 'compiler-rt/test'}"
        c = f"CORPORA_MODE=cc cc-tsan -pthread -ldl -lrt -lm {include}"
        cxx = f"CORPORA_MODE=c++ cc-tsan -std=c++11 -pthread -ldl -lrt -lm {include}"
        return [("%clangxx_tsan", cxx), ("%clang_tsan", c), ("%clangxx", f"{self.compilers[1]} -w"),
                ("%clang", f"{self.compilers[0]} -w"), ("%deflake", "deflake"), ("%run", "run"),
                ("%env_tsan_opts=", "env TSAN_OPTIONS="), ("%link_libcxx_tsan", ""),
                ("%darwin_min_target_with_tls_support", ""), ("%os", "Linux"), ("<%t", ""),
                ("%p", shlex.quote(str(path.parent))), ("%s", shlex.quote(str(path))), ("%t", str(stem))]

    def script(self, path, stem):
        """The RUN lines as one script; lit stops at the first line that fails, and so does this."""
        lines = []
        for line in run_lines(path.read_text(errors="replace")):
            for name, value in self.substitutions(path, stem):
                line = line.replace(name, value)
            lines.append(line)
        return "set -e\n" + "\n".join(lines) + "\n"

    def run(self, name, folder):
        """Run one test in FOLDER: its shell's status, its output, the names of its reports in order."""
        path, out = self.tests[name], folder / "out"
        out.mkdir()
        done = self.tools.call(["bash", "-c", self.script(path, folder / "t")], folder, self.environment(out))
        output = out / "output"
        text = done.text + (output.read_text(errors="replace") if output.exists() else "")
        reports = sorted(out.glob("run.*.json"), key=lambda p: int(p.name.split(".")[1]))
        return done.status, text, reports, self.words(path, text)

    def words(self, path, output):
        """What the program says and the test looks for (a CHECK line that is one plain word), but is not there."""
        text = path.read_text(errors="replace")
        plain = re.findall(r"CHECK(?:-NEXT)?: *(DONE|OK|PASS)\s*$", text, re.M)
        if "--check-prefix" in text:
            return []
        return [w for w in sorted(set(plain)) if w not in output]
