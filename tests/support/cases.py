# SPDX-License-Identifier: Apache-2.0
"""Tests of real programs, case by case: a folder and processes for each, one line for each, and the closing line."""
import os
import shutil
import subprocess
import tempfile

import ports
import programs


class Failure(Exception):
    """What was checked is not so."""


def check(condition, text):
    if not condition:
        raise Failure(text)


class Case:
    """A temporary folder and the programs that run in it. A context manager: on leaving, all have ended and the folder is gone."""

    def __init__(self, bin_dir):
        self.bin = os.path.abspath(bin_dir)
        self.work = tempfile.mkdtemp(prefix="skylark-case-")
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

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
        """Exit code, standard output, standard error."""
        done = subprocess.run([os.path.join(self.bin, program), *arguments], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def start(self, program, *arguments):
        """The process and its output, once it is up."""
        process, text = programs.start([os.path.join(self.bin, program), *arguments],
                                       os.path.join(self.work, f"{program}-{len(self.running)}.out"))
        self.running.append(process)
        return process, text

    def start_pair(self, extra=""):
        """Ports of a name server and a broker that run; `extra` is for the broker's settings."""
        namesrv_port = ports.claim_plain().number
        broker_port = ports.claim_broker().listen
        self.start("mqnamesrv", "-c", self.namesrv_conf(namesrv_port))
        self.start("mqbroker", "-c", self.broker_conf(broker_port, extra), "-n", f"127.0.0.1:{namesrv_port}")
        return namesrv_port, broker_port


def refused(result, *words):
    """`result` of a program is exit code 2 and one line on stderr that holds the words."""
    code, _, errors = result
    lines = [line for line in errors.splitlines() if line.strip()]
    check(code == 2, f"exit code {code}, want 2; stderr: {errors}")
    check(len(lines) == 1, f"want one line on stderr: {errors!r}")
    for word in words:
        check(word in lines[0], f"{word!r} is not in {lines[0]!r}")


def run_cases(functions, opened):
    """Calls each function with what a context manager of its own, made by `opened`, gives. The exit code."""
    failed = 0
    for function in functions:
        try:
            with opened() as case:
                function(case)
            print(f"CASE {function.__name__} PASS", flush=True)
        except Exception as error:  # Any surprise is a failure of that case alone.
            failed += 1
            print(f"CASE {function.__name__} FAIL {type(error).__name__}: {error}", flush=True)
    print(f"{len(functions) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
