# SPDX-License-Identifier: Apache-2.0
"""How the programs start, refuse to start and stop, tried as an operator would: real processes, bad input as a table.

A refusal is exit code 2 and one line on stderr that names the cause; nothing is left behind.
"""
import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ports  # noqa: E402


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


class Case:
    def __init__(self, bin_dir):
        self.bin = bin_dir
        self.work = tempfile.mkdtemp(prefix="skylark-startup-")
        self.running = []

    def write(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def broker_conf(self, port, extra="", store="store"):
        return self.write(f"broker-{port}.conf", f"brokerName=broker-a\nbrokerIP1=127.0.0.1\nlistenPort={port}\n"
                          f"storePathRootDir={self.work}/{store}\nlogDir={self.work}/logs\nmappedFileSizeCommitLog=1048576\n{extra}")

    def namesrv_conf(self, port, extra=""):
        return self.write(f"namesrv-{port}.conf", f"listenPort={port}\nlogDir={self.work}/logs\n{extra}")

    def run(self, program, *arguments, timeout=60):
        done = subprocess.run([os.path.join(self.bin, program), *arguments], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def start(self, program, *arguments):
        out = open(os.path.join(self.work, f"{program}-{len(self.running)}.out"), "w+")
        process = subprocess.Popen([os.path.join(self.bin, program), *arguments], stdout=out, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL)
        self.running.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            out.seek(0)
            text = out.read()
            if "boot success" in text:
                return process, text
            check(process.poll() is None, f"{program} ended: {text}")
            time.sleep(0.02)
        raise Failure(f"{program} did not come up: {text}")

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()


def refused(result, *words):
    code, _, errors = result
    lines = [line for line in errors.splitlines() if line.strip()]
    check(code == 2, f"exit code {code}, want 2; stderr: {errors}")
    check(len(lines) == 1, f"want one line on stderr: {errors!r}")
    for word in words:
        check(word in lines[0], f"{word!r} is not in {lines[0]!r}")


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
    passed = failed = 0
    for function in CASES:
        if options.only and function.__name__ != options.only:
            continue
        case = Case(os.path.abspath(options.bin_dir))
        try:
            function(case)
            passed += 1
            print(f"CASE {function.__name__} PASS", flush=True)
        except Exception as error:  # Any surprise is a failure of that case alone.
            failed += 1
            print(f"CASE {function.__name__} FAIL {type(error).__name__}: {error}", flush=True)
        finally:
            case.end()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
