# SPDX-License-Identifier: Apache-2.0
"""Sends every request code to both programs and compares which are known with the lists of docs/compatibility.md.

A code is known when an empty request of it is answered with anything but 3, whatever else is wrong with it.
"""
import argparse
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TESTS)
sys.path[:0] = [os.path.join(TESTS, "compat"), os.path.join(TESTS, "support")]
from harness import frames, servers  # noqa: E402

NOT_SUPPORTED = 3
PULLS = {11, 361}


def declared_codes():
    with open(os.path.join(ROOT, "protocol", "request_code.h"), encoding="utf-8") as file:
        return {int(code): name.upper() for name, code in re.findall(r"^\s+(\w+) = (\d+),", file.read(), re.M)}


def listed_codes(page, title):
    section = page.split(f"### {title}\n")[1].split("\n#")[0]
    return {int(code): name for code, name in re.findall(r"(\d+)\s([A-Z][A-Z0-9_]+)", section)}


def known_codes(address, codes):
    known = {}
    for code, name in codes.items():
        reply = frames.call(address, code, timeout_s=120)
        if reply.code != NOT_SUPPORTED:
            known[code] = name
        elif reply.remark != f" request type {code} not supported":
            known[code] = f"refused with another text: {reply.remark!r}"
    return known


def compare(what, listed, known):
    wrong = [f"{what}: {code} {known.get(code, 'is not served')}, the page says {listed.get(code, 'it is not served')}"
             for code in sorted(set(listed) | set(known)) if listed.get(code) != known.get(code)]
    print("\n".join(wrong) if wrong else f"{what}: {len(known)} codes as the page says", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    with open(os.path.join(ROOT, "docs", "compatibility.md"), encoding="utf-8") as file:
        page = file.read()
    codes = {**declared_codes(), 999: "NOBODYS"}
    broker_codes = listed_codes(page, "Served by the broker")
    with servers.Deployment(servers.Skylark(options.bin_dir)) as deployment:
        host, port = deployment.broker.address.split(":")
        verdicts = [
            compare("name server", listed_codes(page, "Served by the name server"), known_codes(deployment.name_server.address, codes)),
            compare("broker", broker_codes, known_codes(deployment.broker.address, codes)),
            compare("second port", {code: name for code, name in broker_codes.items() if code not in PULLS},
                    known_codes(f"{host}:{int(port) - 2}", codes)),
        ]
    verdicts.append(not deployment.complaints)
    for complaint in deployment.complaints:
        print(complaint)
    print(f"{verdicts.count(True)} passed, {verdicts.count(False)} failed")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
