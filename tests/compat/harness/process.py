# SPDX-License-Identifier: Apache-2.0
"""A child process in a group of its own, with its output in a file, that never outlives this process."""

import ctypes
import os
import re
import signal
import subprocess
import time

LOGGING_NOISE = re.compile(r"\d\d:\d\d:\d\d,\d{3} \|-")  # What the Java logging library says about itself.

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL("libc.so.6", use_errno=True)


class ProcessFailed(RuntimeError):
    """A process ended, or did not get ready in time. The text holds the tail of its output."""


class ManagedProcess:
    """Starts `command` at construction. Standard output and error go to `log_path`.

    Start it from the main thread: the kernel kills the child when the thread that started it ends.
    """

    def __init__(self, name, command, log_path, environment=None, folder=None):
        self.name = name
        self.log_path = log_path
        self.ended_by_us = False
        self._log = open(log_path, "wb")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, cwd=folder,
            env=environment, start_new_session=True, preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self._process.pid

    @property
    def exit_code(self):
        """None while it runs."""
        return self._process.poll()

    def output(self):
        with open(self.log_path, "r", encoding="utf-8", errors="replace") as log:
            return log.read()

    def tail(self, lines=40):
        return last_lines(self.log_path, lines)

    def wait_until(self, ready, what, deadline_s=300):
        """Polls `ready()` until it is true. Errors: ProcessFailed if the process ends first or the deadline passes."""
        end = time.monotonic() + deadline_s
        while not ready():
            if self.exit_code is not None:
                raise ProcessFailed(f"{self.name} ended with code {self.exit_code} before {what}:\n{self.tail()}")
            if time.monotonic() > end:
                raise ProcessFailed(f"{self.name}: no {what} within {deadline_s} s:\n{self.tail()}")
            time.sleep(0.02)

    def wait_for_output(self, text, deadline_s=300):
        self.wait_until(lambda: text in self.output(), f"output '{text}'", deadline_s)

    def wait_until_ended(self, deadline_s):
        """Exit code, or None when it still runs after the deadline."""
        try:
            return self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace_s=20):
        """Asks the group to end, then kills it. On return no process of the group is left. Returns the exit code."""
        if self._process.poll() is None:
            self.signal_group(signal.SIGTERM)
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self):
        """kill -9 to the whole group; returns the exit code of the leader."""
        self.ended_by_us = True
        self.signal_group(signal.SIGKILL)
        code = self._process.wait()
        self._log.close()
        return code

    def signal_group(self, number):
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass


def last_lines(path, count):
    """The end of a log file, without what the Java logging library says about its own configuration."""
    with open(path, "r", encoding="utf-8", errors="replace") as log:
        kept = [line.rstrip("\n") for line in log if not LOGGING_NOISE.match(line)]
    return "\n".join(kept[-count:])


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
