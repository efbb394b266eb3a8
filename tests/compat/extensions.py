#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store whose queues have extensions with bit maps of SQL92 filters changes hands between Apache RocketMQ 5.3.3 and ours.

  stopped   ours writes and stops; Java filters by the bit maps, adds messages and stops; ours does the same with Java's
  killed    the same with kill -9 instead of the stops

Ends with `N passed, N failed`.
"""
import json
import os
import struct
import sys

import handover
from harness import stores, turns
from harness.stores import ask, max_offset, wire
from harness.verdicts import check

HEARTBEAT = 34
SETTINGS = {"enablePropertyFilter": "true", "enableConsumeQueueExt": "true", "enableCalcFilterBitMap": "true",
            "mappedFileSizeConsumeQueueExt": "4096"}  # Some hundred extensions a file.
TOPIC, GROUP, EXPRESSION, VERSION = "Extended", "GID_even", "TAGS = 'even'", 5
UNIT, EXTENSION_HEAD, ADDRESS_MAX, ADDRESS_BASE = 20, 20, -2147483649, -2 ** 63


def heartbeat(connection):
    """Registers the group and its filter."""
    subscription = {"topic": TOPIC, "subString": EXPRESSION, "expressionType": "SQL92", "subVersion": VERSION, "tagsSet": [], "codeSet": [],
                    "classFilterMode": False}
    group = {"groupName": GROUP, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING", "unitMode": False,
             "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "subscriptionDataSet": [subscription]}
    ask(connection, HEARTBEAT, {}, json.dumps({"clientID": "extensions", "consumerDataSet": [group], "producerDataSet": []}).encode())


def filtered(connection):
    """Bodies of what the group's registered filter lets pass."""
    bodies, offset = [], 0
    while True:
        fields = {**wire.pull_fields(TOPIC, 0, offset), "consumerGroup": GROUP, "sysFlag": "0", "subVersion": str(VERSION)}
        answer = connection.call(stores.PULL, fields)
        if answer.code == stores.SUCCESS:
            bodies += [record.body.decode() for record in wire.records(answer.body)]
        elif answer.code != stores.PULL_RETRY:
            check(answer.code == stores.PULL_NOT_FOUND, f"pull with the filter at {offset}: {answer}")
            return bodies
        offset = int(answer.ext["nextBeginOffset"])


def send_some(connection, begin, end):
    for number in range(begin, end):
        tag = "even" if number % 2 == 0 else "odd"
        answer = handover.send(connection, TOPIC, 0, b"%d" % number, {"TAGS": tag, "KEYS": f"k{number}"})
        check(int(answer.ext["queueOffset"]) == number, f"queue offset of {number}: {answer}")
    stores.eventually(lambda: max_offset(connection, TOPIC, 0) == end, "dispatch")


def check_served(connection, count):
    """By the filter, and by tags, whose hashes lie in the extensions."""
    even = [str(number) for number in range(0, count, 2)]
    check(filtered(connection) == even, f"by the filter: {filtered(connection)}, not {even}")
    odd = [wire.Record(record).body.decode() for record in stores.pull_all(connection, TOPIC, 0, "odd")]
    check(odd == [str(number) for number in range(1, count, 2)], f"by tags: {odd}")


def read_files(folder):
    """The files of a queue as one text, from byte 0 on."""
    data = b""
    for name in sorted(os.listdir(folder)):
        check(int(name) == len(data), f"{folder} lacks the file before {name}")
        with open(os.path.join(folder, name), "rb") as file:
            data += file.read()
    return data


def check_files(store, count, filter_born):
    """Every unit has an extension; from `filter_born` on the bits of the filter stand in those of even messages and of no others."""
    units = read_files(os.path.join(store, "consumequeue", TOPIC, "0"))
    extensions = read_files(os.path.join(store, "consumequeue_ext", TOPIC, "0"))
    with open(os.path.join(store, "config", "consumerFilter.json"), encoding="utf-8") as file:
        bloom = json.load(file)["filterDataByTopic"][TOPIC]["groupFilterData"][GROUP]["bloomFilterData"]
    wanted = bytearray(bloom["bitNum"] // 8)
    for position in bloom["bitPos"]:
        wanted[position // 8] |= 1 << position % 8
    for number in range(count):
        _, _, address = struct.unpack_from(">qiq", units, number * UNIT)
        check(address <= ADDRESS_MAX, f"unit {number} has no address: {address}")
        at = address - ADDRESS_BASE
        size, _, _, map_size = struct.unpack_from(">hqqh", extensions, at)
        check(size == EXTENSION_HEAD + map_size, f"extension of unit {number}: size {size}, map {map_size}")
        if number >= filter_born:
            bits = extensions[at + EXTENSION_HEAD:at + size]
            check(bits == (bytes(wanted) if number % 2 == 0 else bytes(len(wanted))), f"bit map of unit {number}: {bits.hex()}")


def change_hands(run, name, killed):
    store = os.path.join(run.folder, name, "store")

    def end(broker):
        if killed:
            broker.kill()
        else:
            run.end(broker)

    ours = run.broker(run.ours, name + "-ours", store, SETTINGS)
    with stores.connect(ours) as connection:
        handover.create_topic(connection, TOPIC, 1)
        send_some(connection, 0, 20)  # Before the filter is there: their maps are empty.
        heartbeat(connection)
        send_some(connection, 20, 400)
        check_served(connection, 400)
        stores.eventually(lambda: GROUP in handover.config_text(store, "consumerFilter.json"), "the filter on disk")
    end(ours)
    check_files(store, 400, 20)

    java = run.broker(run.java, name + "-java", store, SETTINGS)
    with stores.connect(java) as connection:
        heartbeat(connection)
        check_served(connection, 400)
        send_some(connection, 400, 700)
        check_served(connection, 700)
    end(java)
    if not killed:  # A killed one is recovered by its heir, who may make extensions anew.
        check_files(store, 700, 20)

    again = run.broker(run.ours, name + "-again", store, SETTINGS)
    with stores.connect(again) as connection:
        heartbeat(connection)
        check_served(connection, 700)
        send_some(connection, 700, 900)
        check_served(connection, 900)
    run.end(again)
    return stores.complaints(os.path.join(run.folder, java.name))


def checks(run, tally):
    complaints = run.run_jobs(tally, {"stopped": lambda: change_hands(run, "stopped", False),
                                      "killed": lambda: change_hands(run, "killed", True)})
    for name, kinds in complaints.items():
        damage = [line for kind, line in kinds.items() if "consume queue ext" in kind.lower() or "[BUG]" in kind]
        tally.record(f"{name}: Java complains about no extension", "; ".join(damage) or None)


if __name__ == "__main__":
    sys.exit(turns.main(__doc__, checks))
