# SPDX-License-Identifier: Apache-2.0
"""Starting the servers of the project in tests."""
import subprocess
import time


class Ended(RuntimeError):
    """The program ended instead of starting. The text holds all that it said."""

    def __init__(self, program, exit_code, said):
        super().__init__(f"{program}: exit code {exit_code}: {said}")
        self.exit_code = exit_code


def start(command, out_path, seconds=120):
    """Starts a server with its output in that file. Its process and its output, once it has said that it is up.

    Errors: `Ended`; RuntimeError when it does neither in time, and is killed."""
    with open(out_path, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + seconds
    while True:
        over = process.poll() is not None  # Before the look at the output: its last words count.
        with open(out_path, "r", errors="replace") as file:
            said = file.read()
        if "boot success" in said:
            return process, said
        if over:
            raise Ended(command[0], process.returncode, said)
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise RuntimeError(f"{command[0]} neither started nor ended within {seconds} s: {said[-2000:]}")
        time.sleep(0.02)
