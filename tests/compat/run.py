#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the case list of cases.txt with one client against one kind of server, and prints a verdict a case.

    run.py --client java|go|cpp --against skylark|java [--bin-dir build/release/bin] [--only send-sync,delay]
    run.py --client java --codec ROCKETMQ ...      the Java client's requests with binary headers

A case that failed runs once more, alone, on fresh servers: a passing second try counts, and is printed as such. (A
loaded machine of two cores may hold up a client for longer than any sensible deadline.)
Exit code 0 when every case of the list has a verdict and none is FAIL. A missing JDK, Maven or Go is a failure.
"""

import argparse
import json
import os
import secrets
import sys
import time

from harness import frames, servers, toolbox, verdicts
from harness.process import ManagedProcess
from harness.verdicts import run_to_closing_line

CASE_LIST = os.path.join(toolbox.COMPAT_FOLDER, "cases.txt")
SECOND_TRY = "(second try)"
RUNTIME_INFO = 28

unclean_ends = []  # Servers that crashed or did not stop cleanly: a failure of the run, whatever the cases say.


def main():
    arguments = parse_arguments()
    listed = verdicts.read_case_list(CASE_LIST)
    cases = arguments.only.split(",") if arguments.only else listed
    unlisted = [case for case in cases if case not in listed]
    if unlisted:
        raise SystemExit(f"not in {CASE_LIST}: {', '.join(unlisted)}")
    flavour = servers.flavour(arguments.against, arguments.bin_dir, arguments.build_dir)

    end = time.monotonic() + arguments.deadline
    found = run_cases(arguments, flavour, cases, arguments.threads)
    for case in cases:
        if found[case].word == "FAIL" and time.monotonic() < end:
            print(f"{found[case]}\n---- trying {case} once more, alone on fresh servers", flush=True)
            found[case] = second_verdict(run_cases(arguments, flavour, [case], 1)[case])
    return report(arguments, [found[case] for case in cases])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", choices=("java", "go", "cpp"), required=True)
    parser.add_argument("--against", choices=("skylark", "java"), required=True)
    parser.add_argument("--codec", choices=("JSON", "ROCKETMQ"), default="JSON", help="headers of the Java client's requests")
    parser.add_argument("--bin-dir", default=toolbox.DEFAULT_BIN_FOLDER, help="folder of our programs")
    parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER, help="where warm.sh builds the client programs")
    parser.add_argument("--only", help="names of cases, joined by commas")
    parser.add_argument("--threads", type=int, default=4, help="cases that run at the same time")
    parser.add_argument("--deadline", type=int, default=400, help="seconds for one run; after them no second try begins")
    return parser.parse_args()


def run_cases(arguments, flavour, cases, threads):
    """Verdict of every case; FAIL for one about which the program said nothing."""
    with servers.Deployment(flavour, {"enablePropertyFilter": "true"}) as deployment:
        home = os.path.join(deployment.folder, "client")
        os.makedirs(home)
        command = client_command(arguments, home) + [
            "--namesrv", deployment.name_server.address, "--suffix", secrets.token_hex(4),
            "--only", ",".join(cases), "--threads", str(threads)]
        client = ManagedProcess(f"{arguments.client} client", command, os.path.join(home, "stdout.log"),
                                dict(os.environ, HOME=home), home)
        try:
            client.wait_until_ended(arguments.deadline)
        finally:
            client.kill()
        if arguments.against == "skylark":
            check_codecs(arguments, deployment.broker.address)
        said = verdicts.parse_case_lines(client.output())
        silent = f"no verdict; the program ended with code {client.exit_code}"
        found = {case: said.get(case, verdicts.Verdict(case, "FAIL", silent)) for case in cases}
        if any(verdict.word == "FAIL" for verdict in found.values()):
            print(f"---- tail of the {arguments.client} client's output\n{client.tail(60)}")
            deployment.keep_logs()
    unclean_ends.extend(deployment.complaints)
    return found


def check_codecs(arguments, broker):
    """A client that never announced type 2 frames never sees one. (What our own does after the announcement: tests/integration/wire_test.py.)"""
    try:
        table = json.loads(frames.call(broker, RUNTIME_INFO).body)["table"]
    except OSError as error:  # The verdicts of the cases are worth more than this one: go on to them.
        unclean_ends.append(f"the broker did not answer after the cases: {error}")
        return
    received = {codec: int(table[f"framesReceived{codec}"]) for codec in ("Json", "Rocketmq", "Flatbuffers")}
    print(f"FRAMES client={arguments.client} received={received} sent as type 2={table['framesSentFlatbuffers']}", flush=True)
    if arguments.client != "cpp" and (received["Flatbuffers"] or int(table["framesSentFlatbuffers"])):
        unclean_ends.append("type 2 frames on connections that never announced them")


def client_command(arguments, home):
    if arguments.client == "java":
        return toolbox.java_program(arguments.build_dir, "skylark.compat.Compat", home, [f"-Drocketmq.serialize.type={arguments.codec}"])
    if arguments.client == "go":
        return toolbox.go_program(arguments.build_dir)
    program = os.path.join(os.path.abspath(arguments.bin_dir), "skylark_compat")
    if not os.access(program, os.X_OK):
        raise SystemExit(f"no program {program}: build it, or give --bin-dir")
    return [program]


def second_verdict(verdict):
    if verdict.word == "PASS":
        verdict.detail = SECOND_TRY
    return verdict


def report(arguments, results):
    for verdict in results:
        print(verdict)
    count = {word: sum(verdict.word == word for verdict in results) for word in ("PASS", "FAIL", "NA")}
    second = sum(verdict.detail == SECOND_TRY for verdict in results)
    codec = f" codec={arguments.codec}" if arguments.client == "java" else ""
    print(f"MATRIX client={arguments.client}{codec} against={arguments.against} cases={len(results)} pass={count['PASS']} "
          f"na={count['NA']} fail={count['FAIL']} second-try={second}")
    for complaint in unclean_ends:
        print(f"FAIL {complaint}")
    failed = count["FAIL"] + len(unclean_ends)
    print(f"{count['PASS']} passed, {failed} failed", flush=True)
    return 1 if failed or not count["PASS"] else 0


if __name__ == "__main__":
    sys.exit(run_to_closing_line(main))
