#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TCP ports for server processes that must be told their port before they start.

A claim is an exclusive flock on /tmp/skylark-ports/<port>, held by this process until `release()` or its end, so
processes that test in parallel never get the same port. Ports come from 20000-29999: below the ephemeral range
(32768 and up), so no outgoing connection can sit on one between the claim and the server's bind.

In Python:
    ports = claim_broker()            # ports.listen, and listen-2 and listen+1 are ours too
    port = claim_plain()              # one port: port.number

As a command, holding the claims while another command runs (ports in the environment, brokers first):
    ports.py --broker 1 --plain 1 -- sh -c 'echo $SKYLARK_BROKER_PORTS $SKYLARK_PLAIN_PORTS'
Without a command it prints both lists and holds the claims until its standard input ends.
"""

import argparse
import fcntl
import os
import random
import socket
import subprocess
import sys

FIRST_PORT = 20000
LAST_PORT = 29999
LOCK_FOLDER = "/tmp/skylark-ports"

_random = random.SystemRandom()


class NoPortFree(RuntimeError):
    """No run of neighbouring free ports was left in the range."""


class Claim:
    """Neighbouring ports owned by this process until `release()`; also a context manager."""

    def __init__(self, numbers, lock_files):
        self.numbers = numbers
        self._lock_files = lock_files

    @property
    def number(self):
        return self.numbers[0]

    def release(self):
        """Gives the ports back. The servers on them must have ended. Calling it twice is harmless."""
        for descriptor in self._lock_files:
            os.close(descriptor)
        self._lock_files = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


class BrokerClaim(Claim):
    """The ports of one broker: `fast` = listen-2, `listen`, `replication` = listen+1 (listen-1 is held unused)."""

    @property
    def fast(self):
        return self.numbers[0]

    @property
    def listen(self):
        return self.numbers[2]

    @property
    def replication(self):
        return self.numbers[3]


def claim_plain():
    """One port, for a name server or any other single listener. Errors: NoPortFree."""
    return Claim(*_claim_run(1))


def claim_broker():
    """The ports one broker binds: P-2, P and P+1. Errors: NoPortFree."""
    return BrokerClaim(*_claim_run(4))


def _claim_run(length):
    """Claims `length` neighbouring ports, starting the search at a random place."""
    os.makedirs(LOCK_FOLDER, exist_ok=True)
    starts = range(FIRST_PORT, LAST_PORT - length + 2)
    shift = _random.randrange(len(starts))
    for step in range(len(starts)):
        first = starts[(shift + step) % len(starts)]
        lock_files = _lock_all(range(first, first + length))
        if lock_files is not None:
            return list(range(first, first + length)), lock_files
    raise NoPortFree(f"no {length} neighbouring ports free in {FIRST_PORT}-{LAST_PORT}")


def _lock_all(numbers):
    lock_files = []
    for number in numbers:
        descriptor = _lock_one(number)
        if descriptor is None:
            for other in lock_files:
                os.close(other)
            return None
        lock_files.append(descriptor)
    return lock_files


def _lock_one(number):
    """A locked descriptor (not inherited by children), or None if the port is claimed or in use."""
    # The files stay behind on purpose: unlinking one would let two processes lock two files of one name.
    descriptor = os.open(os.path.join(LOCK_FOLDER, str(number)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("0.0.0.0", number))  # Without SO_REUSEADDR: a port in TIME_WAIT counts as in use.
        return descriptor
    except OSError:
        os.close(descriptor)
        return None


def main():
    parser = argparse.ArgumentParser(description="Claims TCP ports for test servers while a command runs.")
    parser.add_argument("--broker", type=int, default=0, help="number of brokers; each gets P-2, P and P+1")
    parser.add_argument("--plain", type=int, default=0, help="number of single ports")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- command to run with the ports in its environment")
    arguments = parser.parse_args()

    brokers = [claim_broker() for _ in range(arguments.broker)]
    plain = [claim_plain() for _ in range(arguments.plain)]
    broker_ports = " ".join(str(claim.listen) for claim in brokers)
    plain_ports = " ".join(str(claim.number) for claim in plain)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if command:
        environment = dict(os.environ, SKYLARK_BROKER_PORTS=broker_ports, SKYLARK_PLAIN_PORTS=plain_ports)
        return subprocess.call(command, env=environment)

    print(f"broker: {broker_ports}")
    print(f"plain: {plain_ports}", flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
