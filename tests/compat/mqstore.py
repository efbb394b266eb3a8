#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqstore on the golden stores, with the brokers that have the store before and after.

  rebuilt    queues and index made anew: our broker, then Java's, serves what the JSON says
  cut        the log ended earlier, or where it is torn: our broker, then Java's, serves what stands before the cut, and goes on behind it
  damaged    each kind of damage is named and ends with code 1; what does not lie in the log is mended by a rebuild
  in use     a store with a running broker is refused with code 2, and the broker serves on

Ends with `N passed, N failed`.
"""
import copy
import json
import os
import shutil
import subprocess
import sys

from harness import golden, stores, turns
from harness.stores import ask, check_still_there, max_offset, pull_queues, wire
from harness.verdicts import check

SOUND, DAMAGED, REFUSED = 0, 1, 2
SLAVE = {"brokerRole": "SLAVE", "brokerId": "1", "slaveReadEnable": "true"}  # Adds nothing to the store by itself.
QUEUE = "consumequeue/GoldenNormal/0/00000000000000000000"
UNIT_SIZE, INDEX_HEADER, INDEX_ENTRY = 20, 40, 20


class Store:
    """A golden store unpacked, with a configuration file for mqstore."""

    def __init__(self, run, bin_folder, archive, place):
        self.expected = golden.expectations(archive)
        self.name = place
        self.root = golden.unpack(archive, os.path.join(run.folder, place + "-home"))
        self._program = os.path.join(os.path.abspath(bin_folder), "mqstore")
        self._config = os.path.join(run.folder, place + ".conf")
        with open(self._config, "w", encoding="utf-8") as file:
            for key, value in {**golden.settings(self.expected), "storePathRootDir": self.root}.items():
                file.write(f"{key}={value}\n")

    def mqstore(self, wanted, command, *flags):
        """What it printed; it must end with this code."""
        done = subprocess.run([self._program, command, "-c", self._config, *flags], capture_output=True, text=True, timeout=120)
        check(done.returncode == wanted, f"{command} {flags}: code {done.returncode}, not {wanted}: {done.stdout[-2000:]} {done.stderr}")
        return done.stderr if wanted == REFUSED else done.stdout

    def path(self, *names):
        return os.path.join(self.root, *names)

    def index_file(self):
        return os.path.join("index", sorted(os.listdir(self.path("index")))[0])

    def log_place(self, offset):
        """File and position in it of a place in the log."""
        size = self.expected["commitLog"]["segmentSize"]
        return f"commitlog/{offset - offset % size:020d}", offset % size

    def flip(self, file, at):
        with open(self.path(file), "r+b") as out:
            out.seek(at)
            byte = out.read(1)[0]
            out.seek(at)
            out.write(bytes([byte ^ 0x10]))

    def zero(self, file, at, size):
        with open(self.path(file), "r+b") as out:
            out.seek(at)
            out.write(bytes(size))

    def log_end(self):
        return self.expected["commitLog"]["maxOffset"]

    def message(self, number):
        return self.expected["topics"]["GoldenNormal"]["queues"]["0"]["messages"][number]


def before(expected, cut):
    """What the JSON would say of the same store when its log ended there; nobody turns consumer offsets back."""
    left = copy.deepcopy(expected)
    for _, _, queue in golden.queues(left):
        queue["messages"] = [message for message in queue["messages"] if message["commitLogOffset"] < cut]
        queue["maxOffset"] = len(queue["messages"])
    for query in left["keyQueries"]:
        query["commitLogOffsets"] = [offset for offset in query["commitLogOffsets"] if offset < cut]
    return left


def check_served(run, store, expected):
    """Ours serves what is expected and goes on behind it; Java finds all of that. What Java complained about."""
    slave = run.broker(run.ours, store.name + "-slave", store.root, SLAVE)
    with stores.connect(slave) as connection:
        served = golden.check_store(connection, expected)
    run.end(slave)
    ours = run.broker(run.ours, store.name + "-ours", store.root)
    with stores.connect(ours) as connection:
        place = max_offset(connection, "GoldenNormal", 0)
        answer = ask(connection, stores.SEND, wire.send_fields("GoldenNormal", 0, "KEYS\x01next\x02"), b"next")
        check(place == expected["topics"]["GoldenNormal"]["queues"]["0"]["maxOffset"], f"GoldenNormal ends at {place}")
        check(int(answer.ext["queueOffset"]) == place, f"the next message got offset {answer.ext['queueOffset']}, not {place}")
        stores.eventually(lambda: stores.physical_offsets_of_key(connection, "GoldenNormal", "next"), "the key of the next message")
        served = {**served, ("GoldenNormal", 0): stores.pull_all(connection, "GoldenNormal", 0)}
    run.end(ours)
    store.mqstore(SOUND, "verify")
    return check_on_java(run, store, served, expected)


def check_on_java(run, store, served, expected):
    java = run.broker(run.java, store.name + "-java", store.root)
    with stores.connect(java) as connection:
        check_still_there(served, pull_queues(connection, served))
        for query in expected["keyQueries"]:
            found = stores.physical_offsets_of_key(connection, query["topic"], query["key"])
            check(set(query["commitLogOffsets"]) <= set(found), f"key {query['key']} on Java: {found}")
    return stores.complaints(os.path.join(run.folder, java.name))


def rebuilt(run, bin_folder, archive):
    store = Store(run, bin_folder, archive, "rebuilt-" + archive)
    for name in ("consumequeue/GoldenNormal", "consumequeue/GoldenTags/2", "batchconsumequeue", "index"):
        shutil.rmtree(store.path(*name.split("/")))
    # A torn log is said to be damaged; what can be read is indexed all the same.
    store.mqstore(DAMAGED if archive == "store-torn" else SOUND, "rebuild")
    return check_served(run, store, store.expected)


def cut(run, bin_folder, archive, place, at):
    store = Store(run, bin_folder, archive, "cut-" + place)
    at = at(store.expected)
    store.mqstore(REFUSED, "truncate", "--at", str(at + 1))
    store.mqstore(SOUND, "truncate", "--at", str(at))
    told = json.loads(store.mqstore(SOUND, "verify", "-o", "json"))
    check(told["commitLog"]["end"] == at and not told["damage"], f"after the cut at {at}: {told}")
    return check_served(run, store, before(store.expected, at))


def first_transaction(expected):
    return expected["topics"]["RMQ_SYS_TRANS_HALF_TOPIC"]["queues"]["0"]["messages"][0]["commitLogOffset"]


def middle_of_first_queue(expected):
    return expected["topics"]["GoldenNormal"]["queues"]["0"]["messages"][100]["commitLogOffset"]


def end_of_log(expected):
    return expected["commitLog"]["maxOffset"]


def damages(store):
    """Name, what is done to the store, a piece of the place that verify names, whether a rebuild mends it."""
    message = store.message(5)
    file, at = store.log_place(message["commitLogOffset"])
    last = max(one["commitLogOffset"] for _, _, queue in golden.queues(store.expected) for one in queue["messages"])
    last_file, tail = store.log_place(last)
    slots = int(store.expected["brokerConfig"]["maxHashSlotNum"])
    entries = INDEX_HEADER + 4 * slots
    return {"size of a record": (lambda: store.flip(file, at + 1), "commitlog/", False),
            "magic of a record": (lambda: store.flip(file, at + 5), "commitlog/", False),
            "body of a record": (lambda: store.flip(file, at + 88), "commitlog/", False),
            "zeroed tail of the log": (lambda: store.zero(last_file, tail, store.log_end() - last), "consumequeue/", False),
            "zeroed half of the last record": (lambda: store.zero(last_file, tail + 60, store.log_end() - last - 60), "commitlog/", False),
            "place in a queue unit": (lambda: store.flip(QUEUE, 3 * UNIT_SIZE + 7), "consumequeue/GoldenNormal/0", True),
            "size in a queue unit": (lambda: store.flip(QUEUE, 3 * UNIT_SIZE + 11), "consumequeue/GoldenNormal/0", True),
            "zeroed queue units": (lambda: store.zero(QUEUE, 3 * UNIT_SIZE, 5 * UNIT_SIZE), "consumequeue/GoldenNormal/0", True),
            "an index entry": (lambda: store.flip(store.index_file(), entries + 2 * INDEX_ENTRY + 10), "index", True),
            "zeroed slots of the index": (lambda: store.zero(store.index_file(), INDEX_HEADER, 4 * slots), "index", True)}


def damaged(run, bin_folder, name):
    store = Store(run, bin_folder, "store-clean", "damaged-" + name.replace(" ", "-"))
    store.mqstore(SOUND, "verify")
    damage, place, mended = damages(store)[name]
    damage()
    told = json.loads(store.mqstore(DAMAGED, "verify", "-o", "json"))
    check(any(item["place"].startswith(place) for item in told["damage"]), f"damage: {told['damage']}")
    if not mended:
        return
    store.mqstore(SOUND, "rebuild")
    store.mqstore(SOUND, "verify")
    slave = run.broker(run.ours, store.name, store.root, SLAVE)
    with stores.connect(slave) as connection:
        golden.check_store(connection, store.expected)
    run.end(slave)


def in_use(run, bin_folder):
    store = Store(run, bin_folder, "store-clean", "in-use")
    slave = run.broker(run.ours, "in-use-slave", store.root, SLAVE)
    with stores.connect(slave) as connection:
        for command in (["verify"], ["dump"], ["stat"], ["rebuild"], ["truncate", "--dry-run"], ["truncate", "--at", "0"]):
            said = store.mqstore(REFUSED, *command)
            check("in use by a running broker" in said, f"{command}: {said}")
        for command in (["verify"], ["dump", "--count", "1"], ["stat"]):
            store.mqstore(SOUND, *command, "--read-only")
        golden.check_store(connection, store.expected)
    run.end(slave)


def calibrate(run):
    """What Java says about its own store."""
    expected = golden.expectations("store-clean")
    java = run.broker(run.java, "calibration", golden.unpack("store-clean", os.path.join(run.folder, "calibration-home")))
    with stores.connect(java) as connection:
        pull_queues(connection, [queue[:2] for queue in golden.queues(expected)])
        for query in expected["keyQueries"]:
            stores.physical_offsets_of_key(connection, query["topic"], query["key"])
    return stores.complaints(os.path.join(run.folder, java.name))


def checks(run, tally):
    bin_dir = run.bin_folder
    given = {f"rebuilt {archive}": lambda archive=archive: rebuilt(run, bin_dir, archive)
             for archive in ("store-clean", "store-killed", "store-torn")}
    for place, archive, at in (("before-transactions", "store-clean", first_transaction), ("in-the-first-file", "store-clean", middle_of_first_queue),
                               ("where-killed", "store-killed", end_of_log), ("where-torn", "store-torn", end_of_log)):
        given[f"cut {place}"] = lambda archive=archive, place=place, at=at: cut(run, bin_dir, archive, place, at)
    complaints = run.run_jobs(tally, {"java alone": lambda: calibrate(run), **given})
    for name in given:
        if name in complaints:
            turns.record_new_complaints(tally, name, complaints[name], complaints.get("java alone", {}))
    kinds = damages(Store(run, bin_dir, "store-clean", "names"))
    run.run_jobs(tally, {**{f"damaged: {kind}": lambda kind=kind: damaged(run, bin_dir, kind) for kind in kinds},
                         "in use": lambda: in_use(run, bin_dir)})


if __name__ == "__main__":
    sys.exit(turns.main(__doc__, checks))
