# SPDX-License-Identifier: Apache-2.0
"""Valgrind's tests of helgrind and drd: a program, its arguments, and no script.

Each program is built twice: by `gosan cc`, where memory accesses are seen, and plainly, as a binary that nobody
prepared. The first run must give the whole verdict of the table. The second one sees no accesses: its verdict is the
same without GS101 and GS102, unless the table spells it out behind a `;`.
"""
import re
import shlex

PACKAGE = "valgrind"
FOLDERS = ("helgrind", "drd", "memcheck/tests", "include", "tests")
CONFIG = "".join(f"#define {name} 1\n" for name in (
    "HAVE_BUILTIN_ATOMIC", "HAVE_PTHREAD_CONDATTR_SETCLOCK", "HAVE_PTHREAD_MUTEX_ERRORCHECK_NP",
    "HAVE_PTHREAD_MUTEX_RECURSIVE_NP", "HAVE_PTHREAD_MUTEX_TIMEDLOCK", "HAVE_PTHREAD_RWLOCK_TIMEDRDLOCK",
    "HAVE_PTHREAD_RWLOCK_TIMEDWRLOCK", "HAVE_PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP", "HAVE_TLS", "HAVE_RAWMEMCHR",
    "HAVE_ASM_UNISTD_H", "HAVE_GNU_LD"))
FLAGS = {"omp_": "-fopenmp", "std_thread": "-Wl,--no-as-needed", "dlopen_main": "-ldl",
         "tsan_unittest": "-DTHREAD_WRAPPERS='\"tsan_thread_wrappers_pthread.h\"'",
         "unit_": "-DENABLE_DRD_CONSISTENCY_CHECKS"}
COMMON = "-O0 -g -w -pthread -lm -lrt -DVGO_linux=1 -DVGA_amd64=1 -DVGP_amd64_linux=1"


class Vgtest:
    def __init__(self, path):
        keys = dict(re.findall(r"^(\w+): *(.*)$", path.read_text(), re.M))
        words = shlex.split(keys["prog"]) + shlex.split(keys.get("args", ""))
        self.folder, self.program, self.args = path.parent, words[0], words[1:]

    def source(self):
        stem = (self.folder / self.program).resolve()
        for suffix in (".c", ".cpp"):
            if stem.with_suffix(suffix).exists():
                return stem.with_suffix(suffix)
        return None


class Valgrind:
    package, folders, sees_accesses = PACKAGE, FOLDERS, (True, False)
    compilers = ("gcc", "g++")  # what its own makefiles take, and what has OpenMP without further packages

    def __init__(self, home, tools):
        self.home, self.tools = home, tools
        (home / "config.h").write_text(CONFIG)
        self.tests = {p.stem: Vgtest(p) for p in sorted((home / self.name / "tests").glob("*.vgtest"))}

    def compiler(self, source, instrumented):
        cxx = source.suffix == ".cpp"
        if instrumented:
            return [self.tools.gosan, "c++" if cxx else "cc"]
        return [self.compilers[1] if cxx else self.compilers[0]]

    def compile(self, source, instrumented, target, folder):
        flags = next((f for prefix, f in FLAGS.items() if source.stem.startswith(prefix)), "")
        env = self.tools.environment()
        env.update(GOSAN_CC=self.compilers[0], GOSAN_CXX=self.compilers[1])
        words = [*shlex.split(COMMON), *shlex.split(flags), f"-I{self.home}", f"-I{self.home / 'include'}",
                 f"-I{self.home / 'drd'}"]
        # Libraries come after the source.
        libs = [w for w in words if w.startswith("-l")]
        command = [*self.compiler(source, instrumented), *[w for w in words if w not in libs], source, *libs, "-o", target]
        return self.tools.call(command, folder, env)

    def run(self, name, folder):
        test, text, reports = self.tests[name], "", []
        source = test.source()
        if not source:
            return 1, f"no source of {test.program}\n", [], []
        for instrumented in self.sees_accesses:
            program = folder / f"{source.stem}{'' if instrumented else '.plain'}"
            built = self.compile(source, instrumented, program, folder)
            text += built.text
            if built.status:
                return built.status, text, [], []
            status, said, report = self.watch(test, program, folder, len(reports))
            text += said
            reports.append(report)
            if status is None:
                return status, text, reports, []
        return 0, text, reports, []

    def watch(self, test, program, folder, number):
        if test.program == "dlopen_main":
            self.compile_library(test, number == 0, folder)
        report = folder / f"run.{number}.json"
        command = [self.tools.gosan, "run", f"--timeout={self.tools.timeout}", "--format=text", f"--format=json:{report}", "--",
                   program, *test.args]
        done = self.tools.call(command, folder, self.tools.environment())
        return done.status, done.text, report

    def compile_library(self, test, instrumented, folder):
        source = test.folder / "dlopen_lib.c"
        command = [*self.compiler(source, instrumented), "-shared", "-fPIC", "-w", source, "-o", folder / "dlopen_lib.so"]
        self.tools.call(command, folder, dict(self.tools.environment(), GOSAN_CC=self.compilers[0]))


class Helgrind(Valgrind):
    name, table = "helgrind", "helgrind.tsv"


class Drd(Valgrind):
    name, table = "drd", "drd.tsv"
