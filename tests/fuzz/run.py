#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one fuzz target from a fresh corpus made of the golden files.

Passes when the target ran inputs and found nothing; with --must-crash when it found the planted crash.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def last_lines(text, count=60):
    return "\n".join(text.splitlines()[-count:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True, help="fuzz target")
    parser.add_argument("--corpus-writer", required=True, help="program that writes the first inputs")
    parser.add_argument("--corpus", required=True, help="its folder for this target")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("SKYLARK_FUZZ_SECONDS", "1")))
    parser.add_argument("--must-crash", action="store_true")
    options = parser.parse_args()
    name = os.path.basename(options.target)

    with tempfile.TemporaryDirectory(prefix="skylark-fuzz-") as folder:
        subprocess.run([options.corpus_writer, folder], check=True, stdout=subprocess.DEVNULL)
        inputs = os.path.join(folder, options.corpus)
        # The planted crash ends the run when it is found; its limit is only there for a fuzzer that is blind.
        seconds = 240 if options.must_crash else options.seconds
        fuzzer = subprocess.run([options.target, inputs, f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=120",
                                 "-rss_limit_mb=4096", f"-artifact_prefix={folder}/"], capture_output=True, text=True, errors="replace")
        output = fuzzer.stdout + fuzzer.stderr
        found = [entry for entry in os.listdir(folder) if entry.startswith(("crash-", "leak-", "timeout-", "oom-", "slow-unit-"))]
        executed = EXECUTED.findall(output)
        if options.must_crash:
            crashed = fuzzer.returncode != 0 and any(entry.startswith("crash-") for entry in found)
            print(f"{name}: the planted crash was {'found' if crashed else 'missed'} after {executed[-1] if executed else '?'} inputs")
            if not crashed:
                print(last_lines(output))
            return 0 if crashed else 1
        if fuzzer.returncode != 0 or not executed or int(executed[-1]) == 0:
            print(last_lines(output, 200))
            for entry in found:
                with open(os.path.join(folder, entry), "rb") as file:
                    print(f"{entry}: {file.read(4096).hex()}")
            return 1
        print(f"{name}: {executed[-1]} inputs, no finding")
        return 0


if __name__ == "__main__":
    sys.exit(main())
