#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ports are claimed by one process at a time, with the neighbours a broker needs, and not where somebody listens."""

import multiprocessing
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ports  # noqa: E402  (needs the path above)


def claim_some(count, results, all_claimed):
    claims = [ports.claim_broker() if number % 2 else ports.claim_plain() for number in range(count)]
    results.put([number for claim in claims for number in claim.numbers])
    all_claimed.wait()  # Nobody lets go before everybody holds all of theirs.


class PortsTest(unittest.TestCase):
    def test_processes_in_parallel_never_hold_the_same_port(self):
        processes, each = 8, 20
        results = multiprocessing.Queue()
        all_claimed = multiprocessing.Barrier(processes + 1)
        children = [multiprocessing.Process(target=claim_some, args=(each, results, all_claimed)) for _ in range(processes)]
        for child in children:
            child.start()
        held = [number for _ in children for number in results.get(timeout=120)]
        all_claimed.wait()
        for child in children:
            child.join()
        self.assertEqual(len(held), processes * each // 2 * (1 + 4))
        self.assertEqual(len(held), len(set(held)))

    def test_a_broker_gets_the_ports_around_its_own(self):
        with ports.claim_broker() as claim:
            self.assertEqual((claim.fast, claim.replication), (claim.listen - 2, claim.listen + 1))
            for number in (claim.fast, claim.listen, claim.replication):
                self.assertIsNone(ports._lock_one(number))

    def test_a_port_that_somebody_listens_on_is_passed_over(self):
        with ports.claim_plain() as claim:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", claim.number))
                listener.listen()
                claim.release()
                self.assertIsNone(ports._lock_one(claim.number))


if __name__ == "__main__":
    unittest.main()
