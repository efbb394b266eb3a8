# SPDX-License-Identifier: Apache-2.0
"""CASE lines of the client programs, and the closing line of a suite."""

import re
import sys
import traceback

_CASE_LINE = re.compile(r"^CASE (\S+) (PASS|FAIL|NA)\b ?(.*)$")


class Failure(Exception):
    """What was checked is not so."""


def check(condition, text):
    if not condition:
        raise Failure(text)


class Verdict:
    def __init__(self, name, word, detail=""):
        self.name = name
        self.word = word
        self.detail = detail

    def __str__(self):
        return f"CASE {self.name} {self.word} {self.detail}".rstrip()


def parse_case_lines(output):
    """Name → Verdict, from everything a client program printed."""
    found = {}
    for line in output.splitlines():
        match = _CASE_LINE.match(line)
        if match:
            found[match.group(1)] = Verdict(*match.groups())
    return found


def read_case_list(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


class Tally:
    """Prints one line a check and counts; `close()` prints the closing line and gives the exit code."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def record(self, name, failure=None):
        """`failure` is None when the check passed, else what was wrong."""
        if failure is None:
            self.passed += 1
            print(f"PASS {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {name}: {failure}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def run_to_closing_line(main):
    """Exit code of `main()`; the closing line is printed even when it never got as far, for example without a server."""
    try:
        return main()
    except Exception:  # Whatever it was, it is a failed run.
        traceback.print_exc(file=sys.stdout)
        print("0 passed, 1 failed", flush=True)
        return 1
