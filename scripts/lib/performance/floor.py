# SPDX-License-Identifier: Apache-2.0
"""What the machine can do at best: the program of tests/bench/floor, and mqbench against its bare server."""
import contextlib
import json
import os
import socket
import subprocess
import sys
import time

from performance import targets
from performance.sections import PIPELINED, measure_rounds
from performance.settings import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import ports  # noqa: E402  (needs the path above)

PROGRAM = "skylark_bench_floor"


def parts(program, seconds):
    """memcpy, fsync, sendfile: name → figures."""
    done = subprocess.run([program, "-o", "json", "--seconds", str(seconds)], capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{PROGRAM}: {done.stderr.strip()}")
    return {row.pop("part"): row for row in map(json.loads, done.stdout.splitlines())}


@contextlib.contextmanager
def bare_server(settings, program):
    """A server that only answers. Gives a function that runs one load of mqbench against it, as the same load runs against a broker."""
    with ports.claim_plain() as claim:
        server = subprocess.Popen([program, "--serve", str(claim.number)], stdout=subprocess.DEVNULL)
        try:
            wait_for(claim.number, server)
            common = ["-b", f"127.0.0.1:{claim.number}", "--codec", "rocketmq", "--no-create", "--broker-pid", str(server.pid)]
            yield lambda name, load, *flags: targets.mqbench(settings, f"{'floor':8} {name}", load, *common, *flags)
        finally:
            server.kill()
            server.wait()


def echo(settings, program):
    with bare_server(settings, program) as bench:
        return {"echo_one_in_flight": bench("echo_one_in_flight", "latency"), "echo_pipelined": bench("echo_pipelined", "produce", *PIPELINED)}


def wait_for(port, server):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"{PROGRAM} --serve does not answer")


def found_program(settings):
    """Path of the program, or None, which is told."""
    program = os.path.join(settings.bin_dir, PROGRAM)
    if os.access(program, os.X_OK):
        return program
    print(f"no program {PROGRAM} in {settings.bin_dir}; the page will lack what is measured against it", flush=True)
    return None


def floor(settings, _only=()):
    program = found_program(settings)
    if program is None:
        return
    measure_rounds(settings, "floor", settings.rounds, {"floor": lambda _round: {**parts(program, settings.seconds), **echo(settings, program)}})
