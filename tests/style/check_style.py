#!/usr/bin/env python3
"""Checks the points of style that a tool can see, and the include table (src/floors.txt).

Each finding is one line "file:line: what to do". Exit code 1 when there is any.
"""
import os
import re
import subprocess
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
HEADER_LINES_MAX = 250
LINE_COLUMNS_MAX = 120
FAMILIES = {"base", "os"}  # modules of many small public headers

BANNED = [
    (r"\bstd::regex\b", "use a hand-written parser: std::regex recurses on hostile input"),
    (r"\bthrow\b(?!\(\))", "we do not throw: return an Error"),
    (r"\bco_(await|yield|return)\b", "no coroutines: g++ 12 miscompiles common forms"),
    (r"\b(strcpy|strcat|sprintf|gets|mktemp|tmpnam)\s*\(", "unbounded C string call: use std::string or format"),
    (r"(?<![\w.>:])(system|popen)\s*\(", "use os::run: a shell is an injection"),
    (r"\busing namespace (?!pratique|std::\w*literals)", "name what you use"),
    (r"\bFIXME\b|\bXXX\b", "FIXME does not merge"),
    (r"\bTODO\b(?!\(#\d+\))", "write TODO(#12): sentence."),
    (r"\b(sleep_for|usleep|nanosleep)\s*\(|(?<![\w.>])sleep\s*\(", "no sleeping for luck: wait for the event"),
    (r"\bnot implemented\b", "no stubs"),
    (r"(?<![\w/.-])/(work|farm)/", "names a path of one machine"),
]
ALLOWED_IN_TESTS = {  # tests throw what handlers must survive, and are short enough for a using-directive
    "we do not throw: return an Error",
    "name what you use",
}


def read_floors(root):
    floors = {}
    with open(os.path.join(root, "src/floors.txt"), encoding="utf-8") as table:
        for line in table:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            floor, name, allowed = int(words[0]), words[1], words[2:]
            allowed = list(floors) if allowed == ["*"] else [w for w in allowed if w != "-"]
            floors[name] = (floor, allowed)
    return floors


def is_test_file(path):
    return bool(re.search(r"(_(test|fuzz|bench)\.cc|/test_\w+\.(h|cc))$", path))


def without_raw_strings(text):
    """Blanks R"x(…)x" so that embedded texts are not read as code; the first line keeps its place."""
    return re.sub(r'R"(\w*)\((.*?)\)\1"', '""', text, flags=re.S)


def tracked_files(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if out.returncode == 0:
        return [f for f in out.stdout.split("\n") if f and os.path.isfile(os.path.join(root, f))]
    return [os.path.relpath(os.path.join(d, f), root) for d, _, names in os.walk(root) for f in names if "/build" not in d]


class Checker:
    def __init__(self, root):
        self.root = root
        self.floors = read_floors(root)
        self.findings = []

    def report(self, path, line, message):
        self.findings.append(f"{path}:{line}: {message}")

    def check_floors(self):
        for name, (floor, allowed) in self.floors.items():
            for dep in allowed:
                if dep not in self.floors:
                    self.report("src/floors.txt", 1, f"{name} may include {dep}, which is no module")
                elif self.floors[dep][0] >= floor:
                    self.report("src/floors.txt", 1, f"{name} (floor {floor}) reaches up or sideways to {dep}")

    def check_includes(self, path, lines):
        module = path.split("/")[1]
        if module not in self.floors:
            self.report(path, 1, f"module {module} is not in src/floors.txt")
            return
        includes = [(n, m.group(1)) for n, l in enumerate(lines, 1) if (m := re.match(r'#include "([^"]+)"', l))]
        is_test = is_test_file(path)
        own = path[4:].rsplit(".", 1)[0]
        own = re.sub(r"_(test|fuzz|bench)$", "", own)
        for number, include in includes:
            other = include.split("/")[0]
            if other == module:
                continue
            # Tests build a small world out of whatever lies below them.
            below = is_test and other in self.floors and self.floors[other][0] < self.floors[module][0]
            if not below and (other not in self.floors or other not in self.floors[module][1]):
                self.report(path, number, f"{module} may not include {include}: see src/floors.txt")
            elif other not in FAMILIES and include != f"{other}/{other}.h":
                self.report(path, number, f"include the public header {other}/{other}.h, not {include}")
        header = f"{own}.h"
        if path.endswith(".cc") and os.path.exists(os.path.join(self.root, "src", header)):
            if not includes or includes[0][1] != header:
                self.report(path, 1, f"include the own header {header} first")

    def check_lengths(self, path, lines):
        limit = FILE_LINES_MAX
        parts = path.split("/")
        if path.endswith(".h") and len(parts) == 3 and parts[1] == parts[2][:-2]:
            limit = HEADER_LINES_MAX
        if len(lines) > limit:
            self.report(path, len(lines), f"{len(lines)} lines; at most {limit}: this is two files")
        start = None
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and "http" not in line and 'R"' not in line:
                self.report(path, number, f"{len(line)} columns; at most {LINE_COLUMNS_MAX}")
            if re.match(r"[A-Za-z_~].*\{$", line) and not re.match(r"(namespace|class|struct|enum|union|extern|const|constexpr|static const|inline const)\b", line):
                start = number
            if line.startswith("}") and start:
                if number - start > FUNCTION_LINES_MAX:
                    self.report(path, start, f"function of {number - start} lines; at most {FUNCTION_LINES_MAX}")
                start = None

    def check_text(self, path, lines):
        for number, line in enumerate(lines, 1):
            code = line
            if path.endswith((".cc", ".h")):
                code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
                if not re.search(r"TODO|FIXME|/work|not implemented", line):
                    code = code.split("//")[0]
            for pattern, why in BANNED:
                if re.search(pattern, code) and not (why in ALLOWED_IN_TESTS and is_test_file(path)):
                    self.report(path, number, why)

    def check_file(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        lines = text.split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        if re.match(r"src/\w+/.*\.(cc|h)$", path):
            lines = without_raw_strings(text).split("\n")
            self.check_includes(path, lines)
            self.check_lengths(path, lines)
            self.check_text(path, lines)
            if path.endswith(".h") and "#pragma once" not in text:
                self.report(path, 1, "a header starts with #pragma once")
        elif path.endswith((".md", ".sh", ".cmake", ".txt", ".yaml")) or path in ("check", "demo"):
            for number, line in enumerate(lines, 1):
                if re.search(BANNED[-1][0], line):
                    self.report(path, number, BANNED[-1][1])

    def check_documents(self, files):
        for module in self.floors:
            if any(f.startswith(f"src/{module}/") for f in files) and f"src/{module}/README.md" not in files:
                self.report(f"src/{module}", 1, "a module has a README.md")
        walk = "docs/life-of-an-image.md"
        if walk in files:
            text = open(os.path.join(self.root, walk), encoding="utf-8").read()
            for named in sorted(set(re.findall(r"src/[a-z_/0-9]+\.(?:cc|h)", text))):
                if named not in files:
                    self.report(walk, 1, f"names {named}, which does not exist")
        if "ARCHITECTURE.md" in files:
            text = open(os.path.join(self.root, "ARCHITECTURE.md"), encoding="utf-8").read()
            for name, (floor, allowed) in self.floors.items():
                row = re.search(rf"^\| {floor} \| `{name}` \|.*\| ([^|]*) \|$", text, re.M)
                said = row.group(1).strip() if row else None
                want = "all" if len(allowed) == len(self.floors) - 1 else (" ".join(allowed) or "—")
                if said != want:
                    self.report("ARCHITECTURE.md", 1, f"the row of {name} says {said!r}, src/floors.txt says {want!r}")

    def run(self):
        self.check_floors()
        files = tracked_files(self.root)
        for path in files:
            if re.search(r"\.(cc|h|md|sh|cmake|txt|yaml|py)$", path) or path in ("check", "demo"):
                if path != "tests/style/check_style.py":
                    self.check_file(path)
        self.check_documents(set(files))
        for finding in self.findings:
            print(finding)
        print(f"style: {len(files)} files, {len(self.findings)} findings")
        return 1 if self.findings else 0


if __name__ == "__main__":
    sys.exit(Checker(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")).run())
