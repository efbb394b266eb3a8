# SPDX-License-Identifier: Apache-2.0
"""How the programs start, refuse to start and stop, tried as an operator would: real processes, bad input as a table.

A refusal is exit code 2 and one line on stderr that names the cause; nothing is left behind.
"""
import argparse
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ports  # noqa: E402
from cases import Case, check, refused, run_cases  # noqa: E402


def bad_value(case):
    conf = case.broker_conf(ports.claim_broker().listen, "fileReservedTime=three\n")
    refused(case.run("mqbroker", "-c", conf), os.path.basename(conf), ":7", "fileReservedTime")


def bad_choice(case):
    refused(case.run("mqbroker", "-c", case.broker_conf(ports.claim_broker().listen, "flushDiskType=SOMETIMES\n")), "flushDiskType", "SYNC_FLUSH")


def missing_file(case):
    refused(case.run("mqbroker", "-c", os.path.join(case.work, "nowhere.conf")), "nowhere.conf")


def namesrv_bad_value(case):
    refused(case.run("mqnamesrv", "-c", case.namesrv_conf("99999")), "listenPort")


def wrong_flag(case):
    for program in ("mqbroker", "mqnamesrv"):
        code, _, errors = case.run(program, "--no-such-flag")
        check(code == 2, f"{program}: exit code {code}, want 2")
        check("--no-such-flag" in errors, f"{program}: stderr does not name the flag: {errors!r}")


def help_is_shown(case):
    for program in ("mqbroker", "mqnamesrv"):
        code, text, _ = case.run(program, "-h")
        check(code == 0 and "-c" in text, f"{program} -h: exit code {code}, {text!r}")


def print_config(case):
    conf = case.broker_conf(ports.claim_broker().listen, "fileReservedTime=48\n")
    code, text, _ = case.run("mqbroker", "-c", conf, "--print-config")
    check(code == 0, f"exit code {code}")
    line = next((line for line in text.splitlines() if line.startswith("fileReservedTime")), "")
    check("48" in line and "file" in line, f"no value with its origin: {line!r}")


def unknown_key(case):
    conf = case.broker_conf(ports.claim_broker().listen, "fileReservdTime=48\n")
    process, text = case.start("mqbroker", "-c", conf, "-n", "127.0.0.1:1")
    with open(os.path.join(case.work, "logs", "broker.log"), errors="replace") as file:
        text += file.read()
    check("fileReservdTime" in text and "fileReservedTime" in text, f"no warning that names the nearest key: {text!r}")


def transient_pool(case):
    conf = case.broker_conf(ports.claim_broker().listen, "transientStorePoolEnable=true\nfastFailIfNoBufferInStorePool=true\n")
    _, text = case.start("mqbroker", "-c", conf, "-n", "127.0.0.1:1")
    with open(os.path.join(case.work, "logs", "broker.log"), errors="replace") as file:
        text += file.read()
    check("transientStorePoolEnable=true has no effect" in text, f"no warning about the pool: {text!r}")


def port_in_use(case):
    port = ports.claim_broker().listen
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("0.0.0.0", port))
        taken.listen()
        refused(case.run("mqbroker", "-c", case.broker_conf(port)), str(port))
    port = ports.claim_plain().number
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("0.0.0.0", port))
        taken.listen()
        refused(case.run("mqnamesrv", "-c", case.namesrv_conf(port)), str(port))


def store_locked(case):
    case.start("mqbroker", "-c", case.broker_conf(ports.claim_broker().listen), "-n", "127.0.0.1:1")
    refused(case.run("mqbroker", "-c", case.broker_conf(ports.claim_broker().listen), "-n", "127.0.0.1:1"), "store")


def log_folders(case):
    port = ports.claim_broker().listen
    log = os.path.join(case.work, "log")
    for extra, named in ((f"storePathCommitLog={log}\nreadOnlyCommitLogStorePaths={log}\n", "storePathCommitLog"),
                         (f"storePathCommitLog={log},/proc/nowhere\n", "store"),
                         (f"storePathCommitLog={log}\nreadOnlyCommitLogStorePaths={case.work}/unmounted\n", "store")):
        refused(case.run("mqbroker", "-c", case.broker_conf(port, extra), "-n", "127.0.0.1:1"), named)
    with open(os.path.join(case.work, "logs", "broker.log"), errors="replace") as file:
        text = file.read()
    check("/proc/nowhere" in text and "/unmounted" in text, f"the log does not name the folders: {text!r}")


def clean_stop(case):
    namesrv_port = ports.claim_plain().number
    namesrv, text = case.start("mqnamesrv", "-c", case.namesrv_conf(namesrv_port))
    check("The Name Server boot success" in text, text)
    port = ports.claim_broker().listen
    broker, text = case.start("mqbroker", "-c", case.broker_conf(port), "-n", f"127.0.0.1:{namesrv_port}")
    check(f"The broker[broker-a, 127.0.0.1:{port}] boot success" in text, text)
    check(os.path.exists(os.path.join(case.work, "store", "abort")), "no abort file while running")
    for process in (broker, namesrv):
        process.send_signal(signal.SIGTERM)
        check(process.wait(timeout=60) == 0, f"exit code {process.returncode} after SIGTERM")
    check(not os.path.exists(os.path.join(case.work, "store", "abort")), "the abort file is still there after a clean stop")


def standalone(case):
    port = ports.claim_broker().listen
    namesrv_port = ports.claim_plain().number
    process, text = case.start("mqbroker", "-c", case.broker_conf(port), "--standalone", "-n", f"127.0.0.1:{namesrv_port}")
    check("boot success" in text, text)
    with socket.create_connection(("127.0.0.1", namesrv_port), timeout=30):
        pass
    process.send_signal(signal.SIGTERM)
    check(process.wait(timeout=60) == 0, f"exit code {process.returncode} after SIGTERM")


CASES = [bad_value, bad_choice, missing_file, namesrv_bad_value, wrong_flag, help_is_shown, print_config, unknown_key, transient_pool, port_in_use,
         store_locked, log_folders, clean_stop, standalone]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--only")
    options = parser.parse_args()
    wanted = [function for function in CASES if options.only in (None, function.__name__)]
    return run_cases(wanted, lambda: Case(options.bin_dir))


if __name__ == "__main__":
    sys.exit(main())
