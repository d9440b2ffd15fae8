#!/usr/bin/env python3
"""Counts the tests of one `bazel test` from its build events.

usage: test_summary.py [--may_be_empty] EVENTS.json BAZEL_EXIT_CODE

Prints a line on each target that did not pass, and why; then, alone on the last
line, `N passed, N failed`. A test counts as failed unless Bazel says that it
passed: one that could not be built, or was never run, is no success. Nor is one
that ran no test case, unless --may_be_empty (a --test_filter may leave a target
with none). A target that is no test counts when it cannot be built, and so does
a Bazel that failed without naming a target.
"""

import collections
import json
import sys
import urllib.parse
import xml.etree.ElementTree

def _cases_run(uri):
    path = urllib.parse.unquote(urllib.parse.urlparse(uri).path)
    cases = xml.etree.ElementTree.parse(path).getroot().iter("testcase")
    # gtest says of each case whether it was run; the XML that Bazel writes for
    # other tests has one case without that word.
    return sum(1 for c in cases
               if c.get("status", "run") == "run" and
               c.get("result", "completed") == "completed")


def read(lines):
    """Returns {label: status}, {label: cases run} from lines of JSON."""
    statuses = {}
    cases = collections.Counter()
    for line in lines:
        event = json.loads(line)
        kind, ident = next(iter(event["id"].items()))
        label = ident.get("label") if isinstance(ident, dict) else None
        if kind == "targetConfigured":
            if "testSize" in event.get("configured", {}):
                statuses.setdefault(label, "NOT RUN")
        elif kind == "targetCompleted":
            if not event.get("completed", {}).get("success"):
                statuses[label] = "FAILED TO BUILD"  # test or not
        elif kind == "testResult":
            for output in event.get("testResult", {}).get("testActionOutput", []):
                if output["name"] == "test.xml" and "uri" in output:
                    try:
                        cases[label] += _cases_run(output["uri"])
                    except (OSError, xml.etree.ElementTree.ParseError):
                        pass  # it crashed before it wrote: no case was run
        elif kind == "testSummary":
            summary = event.get("testSummary", {})
            statuses[label] = summary.get("overallStatus", "NO_STATUS")
    return statuses, cases


def count(statuses, cases, exit_code, may_be_empty=False):
    """Returns (passed, failed, reasons)."""
    reasons = []
    for label, status in sorted(statuses.items()):
        if status != "PASSED":
            reasons.append("%s: %s" % (label, status))
        elif not cases[label] and not may_be_empty:
            reasons.append("%s: it ran no test case" % label)
    passed = len(statuses) - len(reasons)
    if not reasons and (exit_code or not statuses):
        reasons.append("bazel ended with %d after %d tests" %
                       (exit_code, len(statuses)))
    return passed, len(reasons), reasons


def main(argv):
    may_be_empty = "--may_be_empty" in argv
    path, exit_code = [a for a in argv[1:] if not a.startswith("--")]
    try:
        with open(path, encoding="utf-8") as f:
            statuses, cases = read(f)
    except (OSError, ValueError) as error:  # Bazel did not get that far
        print("no build events: %s" % error)
        statuses, cases = {}, collections.Counter()
    passed, failed, reasons = count(statuses, cases, int(exit_code),
                                    may_be_empty)
    for reason in reasons:
        print("FAILED  " + reason)
    print("%d test cases in %d targets" % (sum(cases.values()), len(statuses)))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
