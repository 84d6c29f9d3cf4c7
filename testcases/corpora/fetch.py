# SPDX-License-Identifier: Apache-2.0
"""Fetch a folder of a Debian source package through apt, without touching the system's sources lists.

The mirror is whatever apt is configured with: the entries of the distribution itself are read, turned into
deb-src entries in a private configuration, and used by apt's own download, which checks the signatures. Root is
not needed. What was fetched stays in the cache; the package itself is deleted again.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

SOURCES = pathlib.Path("/etc/apt")
LIMIT = 1800  # seconds for one apt command: the archive of LLVM is large


class Missing(Exception):
    """A needed part is not to be had here: the caller skips, and says why."""


def codename():
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise Missing("this system has no VERSION_CODENAME: not a Debian or Ubuntu release")


def from_line(line, name):
    """A one-line entry as its deb-src twin, or None."""
    m = re.match(r"deb(?:-src)?\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)", line)
    if not m or m.group(3).split("-")[0].split("/")[0] != name:
        return None
    return f"deb-src {m.group(1) or ''}{m.group(2)} {m.group(3)} {m.group(4)}"


def from_stanza(text, name):
    """A deb822 stanza as its deb-src twin, or None."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    suites = re.search(r"^Suites:\s*(.+)$", text, re.M)
    if not suites or not any(s.split("-")[0].split("/")[0] == name for s in suites.group(1).split()):
        return None
    return re.sub(r"^Types:.*$", "Types: deb-src", text, flags=re.M)


def source_entries(name):
    lines, stanzas = [], []
    for path in [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]:
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".list":
            lines += filter(None, (from_line(line.strip(), name) for line in text.splitlines()))
        else:
            stanzas += filter(None, (from_stanza(s, name) for s in re.split(r"\n\s*\n", text)))
    return sorted(set(lines)), sorted(set(stanzas))


class Apt:
    """apt with a state of its own in SCRATCH."""

    def __init__(self, scratch):
        self.root = scratch
        shutil.rmtree(scratch, ignore_errors=True)
        for sub in ("parts", "lists/partial", "cache/archives/partial", "down"):
            (scratch / sub).mkdir(parents=True)
        if not shutil.which("apt-get"):
            raise Missing("no apt-get on this system")
        lines, stanzas = source_entries(codename())
        if not lines and not stanzas:
            raise Missing(f"apt has no entry for {codename()}")
        (scratch / "sources.list").write_text("".join(f"{line}\n" for line in lines))
        (scratch / "parts" / "twin.sources").write_text("\n\n".join(stanzas) + "\n")
        options = {"Dir::Etc::sourcelist": scratch / "sources.list", "Dir::Etc::sourceparts": scratch / "parts",
                   "Dir::State::lists": scratch / "lists", "Dir::Cache": scratch / "cache",
                   "Dir::Cache::archives": scratch / "cache/archives", "Acquire::Languages": "none",
                   "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false"}
        if os.geteuid() == 0:
            options["APT::Sandbox::User"] = "root"  # the scratch folder may lie where user _apt cannot go
        self.argv = ["apt-get", "-q"] + [a for k, v in options.items() for a in ("-o", f"{k}={v}")]

    def run(self, *args):
        try:
            done = subprocess.run([*self.argv, *args], cwd=self.root / "down", stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                  timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            raise Missing(f"apt-get {args[0]}: no answer within {LIMIT} seconds") from None
        if done.returncode:
            last = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:", "Err:"))]
            raise Missing(f"apt-get {' '.join(args)}: {' '.join(last[-2:]) or done.stdout[-300:]}")

    def source(self, package):
        """Download PACKAGE's source; return its .orig archive and its Debian archive."""
        self.run("update")
        self.run("source", "--download-only", package)
        orig = sorted(self.root.glob("down/*.orig.tar.*"))
        orig = [p for p in orig if not p.name.endswith(".asc")]
        if not orig:
            raise Missing(f"apt delivered no .orig archive of {package}")
        return orig


def extract(archives, wanted, to):
    """Unpack the files under any of WANTED (folders relative to the archive's top) into TO, in one pass each."""
    count = 0
    for archive in archives:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                path = member.name.partition("/")[2]
                if not member.isfile() or not any(path.startswith(w + "/") for w in wanted) or ".." in path:
                    continue
                target = to / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
                target.chmod(member.mode & 0o755 | 0o600)
                count += 1
    return count


def fetch(package, wanted, cache):
    """Return the folder in CACHE that holds the WANTED folders of PACKAGE's source; fetch it when it is not there."""
    home = cache / package
    stamp = home / ".complete"
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        return home
    shutil.rmtree(home, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    print(f"fetching the source of {package} (once; kept in {home})", flush=True)
    scratch = (cache / f".apt-{os.getpid()}").resolve()
    try:
        archives = Apt(scratch).source(package)
        if not extract(archives, wanted, home):
            raise Missing(f"{archives[0].name} has none of {' '.join(wanted)}")
        (home / ".version").write_text(re.sub(r"\.orig.*", "", archives[0].name) + "\n")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    stamp.write_text("\n".join(wanted))
    return home
