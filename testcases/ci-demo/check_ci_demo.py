#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the story of the demonstration project: red on a new race, green with a baseline, a stale entry named.

usage: check_ci_demo.py BUILD_DIR

gosan is installed into a scratch prefix, and a copy of the project uses it with ctest, make and, where there is
one, Meson. The commands of the examples for CI services are run where Python has a YAML reader.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


class Story:
    def __init__(self, build, scratch):
        self.prefix, self.dir, self.build = scratch / "prefix", scratch / "visits", scratch / "visits/build"
        self.baseline = self.dir / "gosan-baseline.txt"
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("GOSAN_OPTIONS", "GOSAN_OUT", "LD_PRELOAD", "MAKEFLAGS", "MFLAGS")}
        self.run("cmake", "--install", build, "--prefix", self.prefix, cwd=scratch)
        libdir = next(self.prefix.rglob("libgosan.so")).parent
        self.env["PATH"] = f"{self.prefix}/bin:{self.env['PATH']}"
        self.env["PKG_CONFIG_PATH"] = str(libdir / "pkgconfig")
        # Installed files keep their prefix; this one is no system prefix.
        pc = libdir / "pkgconfig/goroutine.pc"
        pc.write_text(f"prefix={self.prefix}\n" + pc.read_text().split("\n", 1)[1])
        shutil.copytree(HERE, self.dir)

    def run(self, *argv, status=0, says=(), never=(), cwd=None):
        p = subprocess.run([str(a) for a in argv], env=self.env, cwd=cwd or self.dir, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
        bad = [f"no '{s}'" for s in says if s not in p.stdout] + [f"'{s}'" for s in never if s in p.stdout]
        if p.returncode != status:
            bad.append(f"status {p.returncode}, not {status}")
        if bad:
            sys.exit(f"{' '.join(map(str, argv))}: {'; '.join(bad)}\n{p.stdout}")
        return p.stdout

    def compile(self, *options):
        self.run("cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                 "-DNEW_RACE=OFF", "-DOLD_RACE_REPAIRED=OFF", *options)
        self.run("cmake", "--build", "build", "-j2")

    def gate(self, *options, **expected):
        return self.run("gosan", "gate", *options, "--", "ctest", "--test-dir", "build", "-j2", "--output-on-failure",
                        **expected)

    def entries(self):
        lines = [line for line in self.baseline.read_text().splitlines() if line and not line.startswith("#")]
        if lines != sorted(lines):
            sys.exit(f"the baseline is not sorted: {lines}")
        return lines


def known(s):
    s.compile()
    old = "data race on count in visits_count / visits_note"
    s.gate(status=66, says=["error[GS101]: " + old, "100% tests passed", "exit 66"])
    s.gate("--baseline=gosan-baseline.txt", "--format=json:known.json", says=["100% tests passed", "1 baselined"],
           never=["error["])
    report = json.loads((s.dir / "known.json").read_text())
    if report["verdict"] != "clean" or report["counters"]["baselined"] != 1 or report["findings"]:
        sys.exit(f"the report with a baseline: {report}")
    # A baseline that is up to date does not change, whoever brings the findings.
    before = s.baseline.read_text()
    s.run("gosan", "baseline", "update", "gosan-baseline.txt", "known.json", says=["1 entries, 0 added, 0 removed"])
    s.run("gosan", "baseline", "stale", "gosan-baseline.txt", "known.json", says=["0 of 1 entries are stale"])
    if s.baseline.read_text() != before:
        sys.exit("an update without news changed the file")


def new_race(s):
    s.compile("-DNEW_RACE=ON")
    new = "data race on last in visits_note / visits_note"
    s.gate("--baseline=gosan-baseline.txt", "--runs=2", "--format=text", "--format=json:new.json", status=66,
           says=[new, "100% tests passed", "1 baselined", "seen in 2 of 2 runs"], never=["on count in"])
    report = json.loads((s.dir / "new.json").read_text())
    seen = report["findings"][0]["seen"]
    if len(report["findings"]) != 1 or seen["runs"] != 2 or seen["of"] != 2 or report["runs"] != 2:
        sys.exit(f"one new finding in two runs: {report['findings']}")
    if not any("test_visits 64" in p for p in seen["processes"]):
        sys.exit(f"the programs that showed it: {seen}")
    # By itself, gosan_add_test fails.
    if (s.build / "test_last").exists():
        s.run("ctest", "--test-dir", "build", "--output-on-failure", status=8, says=[new, "last (Failed)"])
    s.run("gosan", "baseline", "update", "gosan-baseline.txt", "--", "ctest", "--test-dir", "build",
          says=["+ ", new, "2 entries, 1 added, 0 removed"])
    if len(s.entries()) != 2 or "# Old: the counter is read" not in s.baseline.read_text():
        sys.exit("the updated baseline: " + s.baseline.read_text())
    s.gate("--baseline=gosan-baseline.txt", says=["2 baselined"], never=["error["])


def repaired(s):
    s.compile("-DNEW_RACE=ON", "-DOLD_RACE_REPAIRED=ON")
    old = next(line for line in s.entries() if "on count in" in line)
    number = s.baseline.read_text().splitlines().index(old) + 1
    s.gate("--baseline=gosan-baseline.txt", "--format=json:repaired.json", "--format=text",
           says=[f"gosan-baseline.txt:{number}: stale: {old[:8]}", "1 baselined"])
    s.run("gosan", "baseline", "stale", "gosan-baseline.txt", "repaired.json", status=66,
          says=[f"gosan-baseline.txt:{number}: {old}", "1 of 2 entries"])
    s.run("gosan", "baseline", "update", "gosan-baseline.txt", "repaired.json", says=["- " + old, "1 removed"])
    if old in s.baseline.read_text() or "# Old: the counter is read" in s.baseline.read_text():
        sys.exit("the stale entry or its comment stayed:\n" + s.baseline.read_text())
    s.gate("--baseline=gosan-baseline.txt", says=["1 baselined"], never=["stale"])
    # Without the repaired race nothing is left to know.
    s.compile("-DOLD_RACE_REPAIRED=ON")
    s.gate(says=["gosan: gate: clean"], never=["error["])


def other_drivers(s):
    """make check, a shell script, Meson: the same two programs and the same finding."""
    line = next(x for x in (HERE / "gosan-baseline.txt").read_text().splitlines() if x and x[0] != "#")
    fingerprint = line.split()[0]
    s.run("gosan", "gate", "--", "make", "check", status=66, says=[fingerprint, "./test_visits 64"])
    script = s.dir / "check.sh"
    script.write_text("#!/bin/sh\nfor n in 4 5 6; do ./test_visits $n || exit 1; done\n")
    script.chmod(0o755)
    s.run("gosan", "gate", "--", script, status=66, says=[fingerprint, "./test_visits 5"])
    if not shutil.which("meson"):
        return ["meson is not installed: its wrapper line was not tried"]
    s.run("meson", "setup", "mb", f"-Dprefix={s.prefix}")
    s.run("meson", "compile", "-C", "mb")
    wrapper = f"gosan run --baseline={HERE}/gosan-baseline.txt --"
    s.run("meson", "test", "-t", "10", "-C", "mb", "--wrapper", wrapper, says=["Ok:                 1"])
    s.run("meson", "test", "-t", "10", "-C", "mb", "--wrapper", "gosan run --", status=1, says=["Fail:               1"])
    s.run("gosan", "gate", "--", "meson", "test", "-t", "10", "-C", "mb", status=66, says=[fingerprint])
    return []


def shell_steps(github, gitlab):
    """What the jobs run once gosan is installed. A name in ${{ }} would be the runner's."""
    steps = github["jobs"]["gosan"]["steps"]
    return {"github": [x["run"] for x in steps if x.get("name") in ("Build", "Test under gosan")],
            "gitlab": gitlab["gosan"]["script"]}


def examples(s):
    """The jobs for CI services are what the services' schemas allow, as far as there is a check-jsonschema, and their
    commands do here what they would do there: the known race keeps neither job from being green, and each report that a
    job keeps is there."""
    try:
        import yaml
    except ImportError:
        return ["Python has no yaml: the examples for CI services were not tried"]
    files = {"github": HERE / ".github/workflows/gosan.yml", "gitlab": HERE / ".gitlab-ci.yml"}
    github, gitlab = (yaml.safe_load(files[k].read_text()) for k in ("github", "gitlab"))
    # YAML 1.1 reads the key "on" as true.
    if github.get("on", github.get(True)) != ["push", "pull_request"] or gitlab["gosan"]["artifacts"]["when"] != "always":
        sys.exit(f"the examples: {github} {gitlab}")
    shutil.copy(HERE / "gosan-baseline.txt", s.baseline)
    s.compile()
    s.env["CMAKE_PREFIX_PATH"] = str(s.prefix)
    s.env["GITHUB_STEP_SUMMARY"] = str(s.dir / "summary.md")
    kept = {"github": ["gosan.json", "gosan.sarif", "gosan.html", "summary.md"],
            "gitlab": gitlab["gosan"]["artifacts"]["paths"] + [gitlab["gosan"]["artifacts"]["reports"]["junit"]]}
    for service, steps in shell_steps(github, gitlab).items():
        if len(steps) < 2 or not any("gosan gate --baseline=gosan-baseline.txt" in step for step in steps):
            sys.exit(f"the steps of {service}: {steps}")
        shutil.rmtree(s.build)
        # Both services stop at the first command that fails.
        s.run("bash", "-e", "-c", "\n".join(steps), says=["100% tests passed", "1 baselined"], never=["error["])
        for name in kept[service]:
            if not (s.dir / name).stat().st_size:
                sys.exit(f"{service}: {name} is empty")
            (s.dir / name).unlink()
    if not shutil.which("check-jsonschema"):
        return ["no check-jsonschema: the examples were not held against the services' schemas"]
    s.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", files["github"])
    s.run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", files["gitlab"])
    return []


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="gosan-ci-demo-") as tmp:
        s = Story(build, pathlib.Path(tmp))
        known(s)
        new_race(s)
        repaired(s)
        notes = other_drivers(s) + examples(s)
    print("\n".join(notes + ["red on a new race, green with the baseline, stale entry named after the repair"]))


if __name__ == "__main__":
    main()
