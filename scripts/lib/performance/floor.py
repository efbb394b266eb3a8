# SPDX-License-Identifier: Apache-2.0
"""What the machine can do at best: the program of tests/bench/floor, and mqbench against its bare server."""
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


def echo(settings, program):
    """Loads against the bare server, as the same loads run against a broker."""
    with ports.claim_plain() as claim:
        server = subprocess.Popen([program, "--serve", str(claim.number)], stdout=subprocess.DEVNULL)
        try:
            wait_for(claim.number, server)
            common = ["-b", f"127.0.0.1:{claim.number}", "--codec", "rocketmq", "--no-create", "--broker-pid", str(server.pid)]
            return {name: targets.mqbench(settings, f"{'floor':8} {name}", load, *common, *flags)
                    for name, load, flags in (("echo_one_in_flight", "latency", []), ("echo_pipelined", "produce", PIPELINED))}
        finally:
            server.kill()
            server.wait()


def wait_for(port, server):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"{PROGRAM} --serve does not answer")


def floor(settings, _only=()):
    program = os.path.join(settings.bin_dir, PROGRAM)
    if not os.access(program, os.X_OK):
        print(f"floor: no program {PROGRAM} in {settings.bin_dir}; the page will lack what is measured against it", flush=True)
        return
    measure_rounds(settings, "floor", settings.rounds, {"floor": lambda _round: {**parts(program, settings.seconds), **echo(settings, program)}})
