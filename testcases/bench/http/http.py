#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP echo server on goroutines next to Go's net/http, under the same load on loopback.

    http.py BUILD_DIR [--rounds N] [--connections N] [--active N] [--requests N] [--json FILE]

Each round runs both servers in turn, with 1 and 2 processors. All connections are opened and held; some of them are
active. Medians over the rounds. A server that cannot be built is left out by name. Exit status 1 when ours fails.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def build(build_dir, out):
    """{name: path} of what can be built here."""
    lib = os.path.join(build_dir, "lib", "libgoroutine.a")
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-I", os.path.join(build_dir, "include")]
    for name in ("server", "client"):
        subprocess.run(["cc", *flags, os.path.join(HERE, name + ".c"), lib, "-lpthread", "-ldl", "-o",
                        os.path.join(out, name)], check=True)
    programs = {"goroutines": os.path.join(out, "server")}
    if not shutil.which("go"):
        print("left out: Go's net/http (no go)")
        return programs
    done = subprocess.run(["go", "build", "-o", os.path.join(out, "go-server"), "."], cwd=os.path.join(HERE, "go"),
                          env=dict(os.environ, GOFLAGS="-mod=mod", GOCACHE=os.path.join(out, "cache")), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        programs["net/http"] = os.path.join(out, "go-server")
    else:
        print("left out: Go's net/http (does not build)\n" + done.stdout)
    return programs


def cpu_seconds(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def measure(program, client, procs, o):
    """One load on a server of its own."""
    env = dict(os.environ, GO_PROCS=str(procs), GOMAXPROCS=str(procs))
    with subprocess.Popen([program], env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().split()[-1]
            out = subprocess.run([client, port, str(o.connections), str(o.active), str(o.requests)], env=os.environ,
                                 check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout.split()
            total = o.connections + int(out[1])
            return {"per_second": int(out[1]) / (int(out[2]) / 1e9), "p50_us": int(out[3]), "p99_us": int(out[4]),
                    "cpu_us": cpu_seconds(server.pid) / total * 1e6, "mb": resident_mb(server.pid)}
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build_dir")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--connections", type=int, default=10000)
    p.add_argument("--active", type=int, default=64)
    p.add_argument("--requests", type=int, default=1000)
    p.add_argument("--only", help="one server by name")
    p.add_argument("--json")
    o = p.parse_args()
    samples = {}
    with tempfile.TemporaryDirectory() as out:
        programs = build(o.build_dir, out)
        for _ in range(o.rounds):
            for procs in (1, 2):
                for name, program in programs.items():
                    if o.only in (None, name):
                        samples.setdefault((name, procs), []).append(
                            measure(program, os.path.join(out, "client"), procs, o))
    print("| server | processors | requests/s | p50 us | p99 us | server CPU us/request | RSS MB |")
    print("| ------ | ---------: | ---------: | -----: | -----: | --------------------: | -----: |")
    for (name, procs), runs in samples.items():
        m = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
        print("| %s | %d | %.0f | %.0f | %.0f | %.1f | %.0f |" % (name, procs, m["per_second"], m["p50_us"], m["p99_us"],
                                                              m["cpu_us"], m["mb"]))
    if o.json:
        with open(o.json, "w") as f:
            json.dump([{"server": n, "procs": c, "runs": r} for (n, c), r in samples.items()], f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
