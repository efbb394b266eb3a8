# SPDX-License-Identifier: Apache-2.0
"""The official Java mqadmin as a long-lived process that runs one command after the other."""

import os
import select
import subprocess
import time

from harness import toolbox


class AdminShell:
    """Owns one JVM; a context manager. Used by one thread."""

    def __init__(self, build_folder, home, name_server):
        os.makedirs(home, exist_ok=True)
        self._name_server = name_server
        self._log_path = os.path.join(home, "stderr.log")
        self._log = open(self._log_path, "wb")
        self._process = subprocess.Popen(
            toolbox.java_program(build_folder, "skylark.compat.AdminShell", home), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._log, cwd=home, env=dict(os.environ, HOME=home, TZ="UTC"))
        self._unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._log.close()

    def run(self, command, *arguments, deadline_s=120):
        """What the command printed. Errors: RuntimeError when the JVM ended or the deadline passed."""
        line = "\t".join([command, "-n", self._name_server, *arguments])
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        end = time.monotonic() + deadline_s
        head = self._read_until(b"\n", end)
        while not head.startswith(b"OUTPUT "):  # The logging library may have spoken first.
            head = self._read_until(b"\n", end)
        return self._read(int(head.split()[1]), end).decode(errors="replace")

    def _read_until(self, mark, end):
        while mark not in self._unread:
            self._read_more(end)
        head, self._unread = self._unread.split(mark, 1)
        return head

    def _read(self, size, end):
        while len(self._unread) < size:
            self._read_more(end)
        content, self._unread = self._unread[:size], self._unread[size:]
        return content

    def _read_more(self, end):
        ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
        data = os.read(self._process.stdout.fileno(), 65536) if ready else b""
        if not data:
            raise RuntimeError(f"mqadmin: {'the JVM ended' if ready else 'no answer in time'}; its log is {self._log_path}")
        self._unread += data
