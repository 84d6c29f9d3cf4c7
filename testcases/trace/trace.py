#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings as they may be: packed, damaged, cut off, without room, without permission, of a program that was killed.

usage: trace.py NAME --gosan GOSAN --preload LIBGOSAN --racy PROGRAM --killed PROGRAM --full LIBRARY

The program's own run must never suffer, and a recording that lacks something must say so.
"""
import argparse
import ctypes
import glob
import http.server
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SKIP = 77
# Hundredths of a second: what takes one second has taken half a minute where twenty processes wanted two processors.
PATIENCE = 30000


def need(condition, what, r=None):
    if not condition:
        print("FAILED:", what)
        if r:
            print(f"status {r.returncode}\n--- stdout\n{r.stdout[-3000:]}\n--- stderr\n{r.stderr[-5000:]}")
        sys.exit(1)


def run(*argv, env=None, limit=None, wrap=()):
    """limit: of the size of files, in bytes. wrap: a command around it."""
    def before():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    base = {k: v for k, v in os.environ.items() if k not in ("GOSAN_OPTIONS", "GOSAN_OUT", "LD_PRELOAD")}
    return subprocess.run([str(x) for x in (*wrap, *argv)], env={**base, **(env or {})}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", timeout=300,
                          preexec_fn=before)


def findings(path):
    with open(path) as f:
        return sorted((x["code"], x["fingerprint"]) for x in json.load(f)["findings"])


def record(a, tmp, trace, env=None, **kw):
    online = os.path.join(tmp, "online.json")
    r = run(a.gosan, "run", f"--format=json:{online}", f"--trace={trace}", "--", a.racy, env=env, **kw)
    need(r.returncode == 66, "the run itself finds the race", r)
    return findings(online)


def report(a, tmp, trace):
    offline = os.path.join(tmp, "offline.json")
    if os.path.exists(offline):
        os.unlink(offline)
    r = run(a.gosan, "report", "--format=text", f"--format=json:{offline}", trace)
    return r, findings(offline) if os.path.exists(offline) else None


def same(a, tmp, trace, online):
    r, offline = report(a, tmp, trace)
    need(r.returncode == 66 and offline == online, f"the same findings: {online} {offline}", r)


def check_packed(a, tmp):
    """One file at the end, the folder gone; it can be moved; a part of it is refused."""
    trace = os.path.join(tmp, "run.gosan")
    online = record(a, tmp, trace)
    need(os.path.isfile(trace) and not os.path.exists(trace + ".d"), "one file")
    same(a, tmp, trace, online)
    shutil.move(trace, os.path.join(tmp, "moved"))
    trace = os.path.join(tmp, "moved")
    same(a, tmp, trace, online)
    data = open(trace, "rb").read()
    for n in (0, 5, 15, 20, len(data) // 2):
        with open(os.path.join(tmp, "part"), "wb") as f:
            f.write(data[:n])
        r, _ = report(a, tmp, os.path.join(tmp, "part"))
        need(r.returncode == 65 and r.stderr.count("\n") == 1, f"{n} bytes of {len(data)} are refused in one line", r)
    # It has a checksum: what was turned is refused, or of no consequence.
    rng = random.Random(2)
    for n in range(24):
        turned = bytearray(data)
        at = rng.randrange(len(data))
        turned[at] ^= 1 << n % 8
        with open(os.path.join(tmp, "part"), "wb") as f:
            f.write(turned)
        r, offline = report(a, tmp, os.path.join(tmp, "part"))
        need(r.returncode == 65 or offline == online, f"bit {n % 8} of byte {at} of {len(data)}", r)


def check_cut_off(a, tmp):
    """Whoever reads the first lines of a dump closes the pipe, and the tool dies of it: what it had unpacked goes too."""
    trace, folder = os.path.join(tmp, "run.gosan"), os.path.join(tmp, "unpacked")
    pathlib.Path(tmp, "done").write_bytes(bytes(4096))
    for seconds in (1, 4, 16, 60):
        run(a.gosan, "run", "--quiet", f"--timeout={seconds}", f"--trace={trace}", "--", a.killed, f"{tmp}/done",
            env={"GOSAN_OPTIONS": "trace_mb=1"})
        if len(run(a.gosan, "dump", trace).stdout) > 1 << 18:
            break
        shutil.rmtree(trace + ".d", ignore_errors=True)
        pathlib.Path(trace).unlink(missing_ok=True)
    need(os.path.isfile(trace), "a recording whose dump fills a pipe")
    os.mkdir(folder)
    for end in (signal.SIGPIPE, signal.SIGKILL):
        p = subprocess.Popen([a.gosan, "dump", trace], env={**os.environ, "TMPDIR": folder}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, restore_signals=True)
        p.stdout.read(1)
        p.send_signal(end)
        p.stdout.close()
        need(p.wait() == -end, f"{end.name} ends it while it writes: {p.returncode}")
        for _ in range(PATIENCE):
            if not os.listdir(folder):
                break
            time.sleep(0.01)
        need(not os.listdir(folder), f"{end.name}: nothing is left")


def check_refused(a, tmp):
    """What is no recording, or one of another version."""
    for path in ("/etc/passwd", "/etc", os.path.join(tmp, "nothing")):
        r = run(a.gosan, "report", path)
        need(r.returncode == 65 and r.stderr.count("\n") == 1, f"{path} is refused in one line", r)
    trace = os.path.join(tmp, "t")
    record(a, tmp, trace)
    meta, = glob.glob(f"{trace}/*/meta")
    text = open(meta).read()
    for first in ("gosan-trace 99 1", "gosan-trace 1 1", "gosan-trace 2 1024"):
        open(meta, "w").write(first + text[text.index("\n"):])
        r = run(a.gosan, "report", trace)
        need(r.returncode == 65 and "another version" in r.stderr, f"'{first}' is refused", r)


def check_damaged(a, tmp):
    """Bytes of a folder are turned in streams and tables, or it is cut off: refused, for the tool noted the sums. Nobody
    did for a program that was preloaded without it: then a report or a refusal, never a crash or a hang; what is found
    is not asked, for nobody can tell a byte that was turned from one that was recorded."""
    trace, rng = os.path.join(tmp, "t"), random.Random(1)
    online = record(a, tmp, trace)
    r, offline = report(a, tmp, trace)
    need(offline == online, "the whole recording", r)
    need(len(glob.glob(f"{trace}/*/sums")) == 1, "its sums are noted", r)
    for n in range(48):
        noted = n < 24
        copy = os.path.join(tmp, f"d{n}")
        shutil.copytree(trace, copy)
        if not noted:
            os.unlink(*glob.glob(f"{copy}/*/sums"))
        names = sorted(glob.glob(f"{copy}/*/stream.*")) + sorted(glob.glob(f"{copy}/*/[acos]*s"))
        path = names[n % len(names)]
        was = open(path, "rb").read()
        data = bytearray(was)
        if n % 4 == 3:
            data = data[:rng.randrange(len(data))]
        for _ in range(1 + n % 8):
            used = len(data.rstrip(b"\0")) or 1
            data[rng.randrange(min(used, len(data) or 1))] ^= 1 << rng.randrange(8)
        open(path, "wb").write(data)
        r, offline = report(a, tmp, copy)
        expected = (65,) if noted and data != was else (0, 65, 66, 77)
        need(r.returncode in expected, f"damage {n} of {os.path.basename(path)}", r)
        if noted and data != was:
            need("is not what was recorded" in r.stderr, f"damage {n}: the file is named", r)
        shutil.rmtree(copy)


def check_no_room(a, tmp):
    """A limit on files, which stands for a full disk: the run is whole, the recording says when it ended."""
    trace = os.path.join(tmp, "t")
    record(a, tmp, trace, limit=80 << 10)
    r, _ = report(a, tmp, trace)
    need(r.returncode in (0, 66, 77), "what is there is told", r)
    trace, done = os.path.join(tmp, "u"), os.path.join(tmp, "done")
    run_killed(a, trace, done, ended, limit=512 << 10)
    r, _ = report(a, tmp, trace)
    need("recording ended before the program" in r.stderr and "limit on file sizes" in r.stderr, "why it ended", r)
    need(r.returncode == 66, "what was recorded before is told", r)


def on_small_disk(a, tmp):
    """The report of a program that was killed when a file system of two megabytes was full; None: none can be mounted."""
    inside = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=2m tmpfs "$0" && shift 0 && exec "$@"', tmp]
    if not shutil.which("unshare") or run("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tmp).returncode:
        return None
    script = (f'truncate -s 4096 {tmp}/done; TMPDIR={tmp} GOSAN_OPTIONS=trace={tmp}/t:quiet=1 LD_PRELOAD={a.preload} '
              f'{a.killed} {tmp}/done > {tmp}/ready & p=$!; n=0; '
              f'until [ "$(od -An -tu8 -j40 -N8 {tmp}/t/*/page 2>/dev/null | tr -d " ")" -gt 0 ] 2>/dev/null; '
              f'do sleep 0.01; n=$((n + 1)); [ $n -lt 30000 ] || exit 8; done; '
              f'kill -0 $p || exit 9; kill -9 $p; '
              f'{a.gosan} report {tmp}/t')
    return run(*inside, "sh", "-c", script)


def check_full_disk(a, tmp):
    """A disk that a library says is full, and a small file system where we may mount one."""
    trace = os.path.join(tmp, "t")
    run_killed(a, trace, os.path.join(tmp, "done"), ended, env={"LD_PRELOAD": f"{a.full} {os.path.abspath(a.preload)}",
                                                               "FULL_BYTES": str(2 << 20)})
    reports = [report(a, tmp, trace)[0]]
    mount = os.path.join(tmp, "mount")
    os.mkdir(mount)
    reports.append(on_small_disk(a, mount))
    if not reports[1]:
        print("no name spaces of users here: no real file system was filled")
    for r in filter(None, reports):
        need("no space left" in r.stderr, "the report says why recording ended", r)
        need(r.returncode == 66, "what was recorded before is told", r)


def check_no_permission(a, tmp):
    """Nowhere to record: the program runs and is checked, and is told why there is no recording."""
    r = run(a.gosan, "run", "--trace=/proc/nowhere/t", "--", a.racy)
    need(r.returncode == 66 and "cannot be recorded" in r.stderr, "the run goes on", r)


def ended(trace):
    """The recording, but not the program. A full disk has no room for the note in meta, so the page is asked."""
    for page in glob.glob(f"{trace}/*/page"):
        with open(page, "rb") as f:
            if int.from_bytes(f.read(48)[40:48], "little"):
                return True
    return False


def wrapped(trace):
    """Each ring has been filled, and is being filled again."""
    numbers = []
    for stream in glob.glob(f"{trace}/*/stream.[234]"):
        with open(stream, "rb") as f:
            numbers.append(int.from_bytes(f.read(16)[8:16], "little"))
    return len(numbers) == 3 and min(numbers) > 0


def run_killed(a, trace, done, until, options="", limit=None, env=None):
    """until: seconds, or what must be true of the recording first."""
    def before():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with open(done, "wb") as f:
        f.truncate(4096)
    env = {**os.environ, "LD_PRELOAD": os.path.abspath(a.preload), "GOSAN_OPTIONS": f"trace={trace}:quiet=1{options}",
           "TMPDIR": os.path.dirname(done), **(env or {})}
    p = subprocess.Popen([a.killed, done], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=before)
    need(os.read(p.stdout.fileno(), 1) == b"r", "it begins")
    for _ in range(PATIENCE if callable(until) else 0):
        if until(trace):
            break
        time.sleep(0.01)
    else:
        if callable(until):
            p.kill()
            need(False, f"{until.__name__}: not within five minutes")
        time.sleep(until)
    p.send_signal(signal.SIGKILL)
    p.wait()
    p.stdout.close()


def check_status(a, tmp):
    """The report ends as the run did: findings replace a zero and nothing else. Of a program that was killed without
    the tool in front, nobody knows how it ended."""
    for last, want in (("exit 0", 66), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)):
        trace = os.path.join(tmp, f"t-{want}.gosan" if want % 2 else f"t-{want}")
        shell = ["sh", "-c", '"$0"; ' + last, a.racy]
        r = run(a.gosan, "run", "--quiet", f"--trace={trace}", "--", *shell)
        need(r.returncode == want, f"'{last}': the run: {want}", r)
        r, offline = report(a, tmp, trace)
        need(r.returncode == want, f"'{last}': the report: {want}", r)
        need([c for c, _ in offline] == ["GS101"], f"'{last}': the race of the child", r)
    trace = os.path.join(tmp, "alone")
    run_killed(a, trace, os.path.join(tmp, "done"), 0.01)
    need(report(a, tmp, trace)[0].returncode == 66, "findings of a killed program that nobody waited for")


def serve(folder):
    """Stands for debuginfod: /buildid/ID/debuginfo. Returns the server, and the list of what it is asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, asked


def check_elsewhere(a, tmp):
    """On a machine without the program: its places by module and offset; with a debug file by its build id, from a
    server, the same report as that of the run. A program of another build in its place is no source of names. A run
    asks no server."""
    program, other = os.path.join(tmp, "program"), os.path.join(tmp, "other")
    shutil.copy(a.racy, program)
    server, asked = serve(os.path.join(tmp, "www"))
    urls = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_port}", "DEBUGINFOD_CACHE_PATH": f"{tmp}/cache",
            "no_proxy": "127.0.0.1", "HOME": tmp}
    online = record(argparse.Namespace(gosan=a.gosan, racy=program), tmp, os.path.join(tmp, "t.gosan"), env=urls)
    need(not asked, f"a run asks nobody: {asked}")
    shutil.move(program, other)
    trace = shutil.move(os.path.join(tmp, "t.gosan"), os.path.join(tmp, "moved.gosan"))
    r, offline = report(a, tmp, trace)
    need(r.returncode == 66 and "(program+0x" in r.stderr and "?? <no line>" in r.stderr, "module and offset", r)
    need([c for c, _ in offline] == ["GS101"] and offline != online, "a finding of its own name", r)
    try:
        ctypes.CDLL("libdebuginfod.so.1")
    except OSError:
        print("skipped: no libdebuginfod.so.1")
        sys.exit(SKIP)
    notes = run("readelf", "-n", other).stdout
    folder = os.path.join(tmp, "www", "buildid", re.search(r"Build ID: (\w+)", notes).group(1))
    os.makedirs(folder)
    r = run("objcopy", "--only-keep-debug", other, os.path.join(folder, "debuginfo"))
    need(r.returncode == 0, "objcopy", r)
    shutil.copy(a.killed, program)
    r = run(a.gosan, "report", "--format=text", f"--format=json:{tmp}/served.json", trace, env=urls)
    need(findings(f"{tmp}/served.json") == online, "the same findings by the server's file", r)
    # libdw asks for files of libraries as well, where these are stripped.
    need(asked.count(f"/buildid/{os.path.basename(folder)}/debuginfo") == 1, f"the file is asked for once: {asked}")
    server.shutdown()
    server.server_close()
    shutil.rmtree(f"{tmp}/cache")
    r = run(a.gosan, "report", trace, env=urls)
    need(r.returncode == 66 and "debuginfod: http" in r.stderr and "(program+0x" in r.stderr, "a server that is gone", r)


def check_last_words(a, tmp):
    """A process that was killed: what it found, and what everybody was doing at the end. At any one moment nobody may
    have a lock; at one of forty somebody has."""
    locks = 0
    for n in range(40):
        trace = os.path.join(tmp, f"t{n}")
        run_killed(a, trace, os.path.join(tmp, "done"), 0.01)
        r, offline = report(a, tmp, trace)
        need(r.returncode == 66 and [c for c, _ in offline] == ["GS101"], "the race", r)
        need("at its end:" in r.stderr, "what everybody was doing", r)
        end = r.stderr[r.stderr.index("at its end:"):]
        for t in range(1, 5):
            need(f"thread {t}" in end or "more:" in end, f"thread {t}", r)
        locks += "mutex mu[" in end
        if locks:
            break
    need(locks, "the lock", r)


def check_ring(a, tmp):
    """The flight recorder is as large as it may be, and what it does not have is said. The race was long ago: from the
    rest nothing may be made up."""
    trace = os.path.join(tmp, "t")
    run_killed(a, trace, os.path.join(tmp, "done"), wrapped, ":trace_mb=1")
    sizes = [os.path.getsize(f) for f in glob.glob(f"{trace}/*/stream.*")]
    need(sizes and max(sizes) == 1 << 20, f"sizes {sizes}")
    r, offline = report(a, tmp, trace)
    need(not offline and "overwritten" in r.stderr, "what is overwritten", r)
    need(r.returncode in (0, 77), "a report", r)


def check_events_only(a, tmp):
    """Without accesses there are no races to be found, and it says so."""
    trace = os.path.join(tmp, "t")
    record(a, tmp, trace, env={"GOSAN_OPTIONS": "trace_accesses=0"})
    r, offline = report(a, tmp, trace)
    need(not offline and "memory accesses: not recorded" in r.stderr, "what was not recorded", r)


def check_preloaded(a, tmp):
    """Without the tool in front."""
    trace = os.path.join(tmp, "t.gosan")
    r = run(a.racy, env={"LD_PRELOAD": os.path.abspath(a.preload), "GOSAN_OPTIONS": f"trace={trace}"})
    need(r.returncode == 66, "the run", r)
    r, offline = report(a, tmp, trace)
    need(r.returncode == 66 and offline, "the folder stands for the file that nobody packed", r)


def check_killed(a, tmp):
    """Without the tool, without a recording, and killed: what was found is where the manual says."""
    done, folder = os.path.join(tmp, "done"), os.path.join(tmp, "streams")
    os.mkdir(folder)

    def found(_):
        lines = [line for f in glob.glob(f"{folder}/gosan-*/*.raw") for line in open(f)]
        return any('"GS101"' in line and line.endswith("\n") for line in lines)

    run_killed(a, None, done, found, env={"TMPDIR": folder, "GOSAN_OPTIONS": ""})
    r, offline = report(a, tmp, *glob.glob(f"{folder}/gosan-*"))
    need(r.returncode == 66 and [c for c, _ in offline] == ["GS101"], "the race", r)


def main():
    p = argparse.ArgumentParser()
    checks = {k[6:]: v for k, v in globals().items() if k.startswith("check_")}
    p.add_argument("name", choices=sorted(checks))
    for option in ("gosan", "preload", "racy", "killed", "full"):
        p.add_argument(f"--{option}", required=True)
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="gosan-trace-") as tmp:
        # Whatever is checked, the tool leaves nothing behind.
        os.environ["TMPDIR"] = left = os.path.join(tmp, "left")
        os.mkdir(left)
        checks[a.name](a, tmp)
        need(not glob.glob(f"{left}/gosan-*"), f"left behind: {os.listdir(left)}")
    print(f"{a.name}: good")


main()
