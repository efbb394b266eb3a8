# SPDX-License-Identifier: Apache-2.0
"""The slowest sends while files change: answers of brokers, and of a bare server at the same load."""
from performance import floor, targets
from performance.sections import for_brokers, measure_rounds

# Small files: a new one of the log, of the index and of each queue every second or few.
SMALL_FILES = {"mappedFileSizeCommitLog": str(64 << 20), "mappedFileSizeConsumeQueue": str(3000 * 20), "maxHashSlotNum": "5000", "maxIndexNum": "20000"}
LOADS = {"tail_16k": ["--size", "16384", "--rate", "5000"], "tail_128": ["--size", "128", "--rate", "20000"]}


def run_all(bench):
    return {name: bench(name, "produce", *flags) for name, flags in LOADS.items()}


def tails(settings, _only=()):
    """Sends by schedule: what is late counts from when it was due."""
    def measure(flavour, _round):
        with targets.running(settings, flavour, SMALL_FILES) as target:
            return run_all(lambda *load: target.bench(*load, "--codec", "rocketmq"))

    def bare(_round):
        with floor.bare_server(settings, program) as bench:
            return run_all(bench)

    per_round = for_brokers(settings, measure)
    program = floor.found_program(settings)
    if program is not None:
        per_round["floor"] = bare
    measure_rounds(settings, "tails", settings.sweep_rounds, per_round)
