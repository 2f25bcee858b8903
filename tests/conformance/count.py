#!/usr/bin/env python3
"""Prints what a conformance run came to, from its junit.xml, naming every check that did not pass. 1 on any failure."""
import sys
import xml.etree.ElementTree as ET


def main() -> int:
    path, title = sys.argv[1], sys.argv[2]
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except (OSError, ET.ParseError) as problem:
        print(f"{title}: no result: {problem}")
        return 1
    outcomes = {"passed": [], "failure": [], "error": [], "skipped": []}
    for case in cases:
        outcome = next((child.tag for child in case if child.tag in outcomes), "passed")
        outcomes[outcome].append(f"{case.get('classname', '')}/{case.get('name', '')}")
    counts = ", ".join(f"{len(names)} {outcome}" for outcome, names in outcomes.items())
    print(f"{title}: {len(cases)} checks: {counts}")
    for outcome in ("failure", "error", "skipped"):
        for name in outcomes[outcome]:
            print(f"  {outcome}: {name}")
    bad = outcomes["failure"] or outcomes["error"] or not cases
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
