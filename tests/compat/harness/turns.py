# SPDX-License-Identifier: Apache-2.0
"""Brokers, ours and Java's, that take turns on the same stores."""

import argparse
import concurrent.futures
import os
import shutil
import tempfile

from harness import golden, servers, toolbox, verdicts
from harness.stores import wire
from harness.verdicts import Failure, check


class Turns:
    """One temporary folder with a name server of ours, and the brokers that take turns on the stores in it."""

    def __init__(self, bin_folder, build_folder, settings):
        """`settings` are those of every broker: the sizes of the files."""
        self.folder = tempfile.mkdtemp(prefix="skylark-turns-")
        self.bin_folder = bin_folder
        self.ours = servers.Skylark(bin_folder)
        self.java = servers.Java(build_folder)
        self._settings = settings
        self.name_server = servers.NameServer(self.ours, self.folder)
        self._brokers = []

    def broker(self, flavour, name, store, settings=None):
        """A started broker on this store."""
        broker = servers.Broker(flavour, self.folder, self.name_server.address, {**self._settings, **(settings or {})}, name)
        broker.store_folder = store
        self._brokers.append(broker)
        return broker.start()

    def end(self, broker):
        code = broker.process.stop(90)
        check(code in (0, 143), f"{broker.name} ended with code {code}")

    def run_jobs(self, tally, jobs):
        """Runs all at once, one verdict each. What those that passed returned, by name."""
        results = {}
        # The kernel ends a server with the thread that started it: the pool keeps its threads until all is over.
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            futures = {name: pool.submit(job) for name, job in jobs.items()}
            for name, future in futures.items():
                try:
                    results[name] = future.result()
                    tally.record(name)
                except (Failure, RuntimeError, OSError, KeyError, ValueError, wire.Closed) as error:
                    tally.record(name, f"{type(error).__name__}: {error}")
        return results

    def release(self, failed):
        for broker in self._brokers:
            if broker.process:
                broker.process.kill()
            broker.release()
        self.name_server.release()
        if failed:
            print(f"---- logs kept in {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def main(description, checks, settings=None):
    """A suite from its command line to its closing line: `checks(run, tally)` with a Turns whose name server runs. The exit code.

    `settings` are those of every broker; None: those of the golden stores."""
    def suite():
        parser = argparse.ArgumentParser(description=description.splitlines()[0])
        parser.add_argument("--bin-dir", default=toolbox.DEFAULT_BIN_FOLDER, help="folder with the programs")
        parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER, help="where the Java parts are built")
        options = parser.parse_args()
        tally = verdicts.Tally()
        run = Turns(options.bin_dir, options.build_dir, settings or golden.settings(golden.expectations("store-clean")))
        try:
            run.name_server.start()
            checks(run, tally)
        finally:
            run.release(tally.failed > 0 or tally.passed == 0)
        return tally.close()

    return verdicts.run_to_closing_line(suite)


def record_new_complaints(tally, name, complaints, *known):
    """A verdict on Java's complaints (`stores.complaints`): no kind that none of `known` has."""
    new = [line for kind, line in complaints.items() if not any(kind in usual for usual in known)]
    tally.record(f"{name}: Java complains about nothing new", "; ".join(new) or None)
