#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store changes hands between Apache RocketMQ 5.3.3 and ours, in both directions, each with a real process.

  golden    the store that a Java broker left is served by ours as its JSON says; ours extends it; Java opens that
  written   a store of ours after an orderly stop is opened, compared record by record, extended and given back by Java
  killed    the same after kill -9 of our broker
  folders   the same with a commit log in two folders

What Java complains about on its own stores is found out in the same run; about ours it may say nothing of another kind.
Ends with `N passed, N failed`.
"""
import json
import os
import re
import sys

from harness import golden, stores, turns
from harness.stores import ask, check_still_there, key_answers, max_offset, pull_queues, wire
from harness.verdicts import check

HALF_TOPIC, SCHEDULE_TOPIC, GROUP = "RMQ_SYS_TRANS_HALF_TOPIC", "SCHEDULE_TOPIC_XXXX", "GID_handover"
LAST_LEVEL = 18  # 20 minutes: still pending when the store changes hands.
QUEUES_WRITTEN = [("Orders", 0), ("Orders", 1), ("Orders", 2), ("Paid", 0), ("Late", 0), (HALF_TOPIC, 0), (SCHEDULE_TOPIC, LAST_LEVEL - 1),
                  ("Ledger", 0)]
LEDGER_BATCHES, LEDGER_SIZE = 45, 4  # Records of several messages: their queue rolls its files of 20 units twice.
WRITTEN = 597  # 199 a queue: Java warns at each flush of a queue whose last file is full to the last entry.
SAMPLES = [0, 1, 250, WRITTEN - 1]


def send(connection, topic, queue_id, body, properties, sys_flag=0):
    text = "".join(f"{name}\x01{value}\x02" for name, value in properties.items())
    return ask(connection, stores.SEND, {**wire.send_fields(topic, queue_id, text), "f": sys_flag}, body)


def append_some(connection, topic, tag):
    """Messages with keys behind those that are there; the offsets they got."""
    offsets = []
    for number in range(40):
        answer = send(connection, topic, 0, b"%d " % number + b"y" * 1000, {"KEYS": f"{tag}{number}", "TAGS": tag})
        offsets.append(int(answer.ext["queueOffset"]))
    return offsets


def append_batches(connection, topic, tag, count):
    """Batches that stay one record each; the offsets of their first messages."""
    offsets = []
    for number in range(count):
        key = f"{tag}{number}"
        properties = f"UNIQ_KEY\x01{key}\x02"
        answer = ask(connection, stores.SEND_BATCH, wire.send_fields(topic, 0, properties, batch=True), stores.batch_body(key, LEDGER_SIZE))
        offsets.append(int(answer.ext["queueOffset"]))
    return offsets


def offsets_of_batches(first, count):
    return [first + number * LEDGER_SIZE for number in range(count)]


def check_batches(records, expected):
    """Each record holds what its properties say, and the next begins behind it."""
    check(len(records) == expected, f"{len(records)} batches, not {expected}")
    at = 0
    for raw in records:
        record = wire.Record(raw)
        check(record.queue_offset == at and record.sys_flag & 0xC0 == 0xC0, f"batch at {record.queue_offset}, not {at}")
        check(record.properties["INNER_BASE"] == str(at) and record.properties["INNER_NUM"] == str(LEDGER_SIZE), f"{record.properties}")
        check(record.body == stores.batch_body(record.properties["UNIQ_KEY"], LEDGER_SIZE), f"body of the batch at {at}")
        at += LEDGER_SIZE


def create_topic(connection, topic, queues, attributes=None):
    ask(connection, stores.UPDATE_TOPIC, {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues, "writeQueueNums": queues,
                                          "perm": 6, "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false",
                                          **({"attributes": attributes} if attributes else {})})


def write_store(connection):
    """Tags, keys, bodies that roll the files, delays come and pending, transactions committed, rolled back and pending, offsets."""
    for topic, queues in (("Orders", 3), ("Paid", 1), ("Late", 1)):
        create_topic(connection, topic, queues)
    create_topic(connection, "Ledger", 1, "+queue.type=BatchCQ")
    for number in range(WRITTEN):
        size = 150_000 if number % 60 == 59 else 700 + number
        send(connection, "Orders", number % 3, b"%d " % number + b"x" * size,
             {"KEYS": f"order{number} lot{number % 40}", "TAGS": "even" if number % 2 == 0 else "odd", "UNIQ_KEY": f"U{number:031d}"})
    for level in (1, 1, LAST_LEVEL):
        send(connection, "Late", 0, b"later", {"KEYS": f"late{level}", "DELAY": level})
    for number, decision in enumerate((8, 12, None)):  # Commit, roll back, leave pending.
        key = f"T{number:031d}"
        half = send(connection, "Paid", 0, b"paid %d" % number, {"TRAN_MSG": "true", "PGROUP": GROUP, "UNIQ_KEY": key, "KEYS": key}, 4)
        if decision is not None:
            ask(connection, stores.END_TRANSACTION, {
                "topic": "Paid", "producerGroup": GROUP, "tranStateTableOffset": half.ext["queueOffset"],
                "commitLogOffset": int(half.ext["msgId"][-16:], 16), "commitOrRollback": decision, "fromTransactionCheck": "false",
                "msgId": key, "transactionId": key})
    # Last: after a kill Java drops the unfinished index file, and with it keys from before the log file that its recovery begins with.
    # Where index files begin hangs on the number of keys; the keys asked for below do not lie in that gap.
    check(append_batches(connection, "Ledger", "first", LEDGER_BATCHES) == offsets_of_batches(0, LEDGER_BATCHES), "our offsets of batches")
    ask(connection, stores.UPDATE_GROUP, body=json.dumps({"groupName": GROUP, "consumeEnable": True, "retryQueueNums": 2}).encode())
    ask(connection, stores.UPDATE_OFFSET, {"consumerGroup": GROUP, "topic": "Orders", "queueId": 1, "commitOffset": 77})
    stores.eventually(lambda: max_offset(connection, "Late", 0) == 2, "delivery of the delayed messages")
    stores.eventually(lambda: max_offset(connection, "Paid", 0) == 1, "the committed message")


def check_folders(folders):
    """The files of the log, in their order, lie in the folders in turn."""
    held = {name: number for number, folder in enumerate(sorted(folders)) for name in os.listdir(folder)}
    places = [held[name] for name in sorted(held)]
    check(len(places) > 2 and places == [number % len(folders) for number in range(len(places))], f"files of the log: {held}")


def hand_over(run, name, killed, folder_names=()):
    """Ours writes, Java takes over and adds, ours takes back. What Java complained about."""
    store = os.path.join(run.folder, name, "store")
    folders = [os.path.join(run.folder, name, folder) for folder in folder_names]
    settings = {"storePathCommitLog": ",".join(folders)} if folders else {}
    ours = run.broker(run.ours, name + "-ours", store, settings)
    # A lot is 15 messages: Java answers 64 at most, and counts what it indexed again after a kill.
    keys = [f"order{number}" for number in SAMPLES] + ["lot3", f"U{250:031d}", "T" + "0" * 31, "late1"]
    with stores.connect(ours) as connection:
        write_store(connection)
        written = pull_queues(connection, QUEUES_WRITTEN)
        found = {topic: key_answers(connection, topic, keys) for topic in ("Orders", "Paid", "Late")}
    check_batches(written["Ledger", 0], LEDGER_BATCHES)
    check([len(written[queue]) for queue in QUEUES_WRITTEN] == [199, 199, 199, 1, 2, 3, 1, LEDGER_BATCHES], f"written: { {q: len(r) for q, r in written.items()} }")
    check(all(found["Orders"][f"order{number}"] for number in SAMPLES), f"keys on ours: {found}")
    if killed:
        # Both brokers write these now and then; without them a delayed message is delivered twice.
        stores.eventually(lambda: re.search(r'\b1"?:77\b', config_text(store, "consumerOffset.json")), "consumer offsets on disk")
        stores.eventually(lambda: re.search(r'\b1"?:2\b', config_text(store, "delayOffset.json")), "offsets of delivery on disk")
        ours.kill()
    else:
        run.end(ours)
        check(checkpoint_mark(store).startswith(b"SKYLARK1"), f"our bytes of the checkpoint after a stop: {checkpoint_mark(store)}")
    mark = checkpoint_mark(store)

    java = run.broker(run.java, name + "-java", store, settings)
    with stores.connect(java) as connection:
        check_still_there(written, pull_queues(connection, QUEUES_WRITTEN))
        for topic, answers in found.items():
            check(key_answers(connection, topic, keys) == answers, f"keys of {topic} on Java: {key_answers(connection, topic, keys)}, not {answers}")
        even = [wire.Record(record) for record in stores.pull_all(connection, "Orders", 0, "even")]
        check(len(even) == 100 and all(record.properties["TAGS"] == "even" for record in even), f"tag filter: {len(even)} messages")
        check(stores.consumer_offsets(connection).get(f"Orders@{GROUP}") == {"1": 77}, f"offsets: {stores.consumer_offsets(connection)}")
        check(GROUP in stores.groups(connection), "the group is gone")
        check(append_some(connection, "Orders", "java") == list(range(199, 239)), "Java's queue offsets")
        batches = append_batches(connection, "Ledger", "java", 3)
        check(batches == offsets_of_batches(LEDGER_BATCHES * LEDGER_SIZE, 3), f"Java's offsets of batches: {batches}")
        stores.eventually(lambda: max_offset(connection, "Ledger", 0) == (LEDGER_BATCHES + 3) * LEDGER_SIZE, "Java's dispatch of batches")
        stores.eventually(lambda: max_offset(connection, "Orders", 0) == 239, "Java's dispatch")
        stores.eventually(lambda: stores.physical_offsets_of_key(connection, "Orders", "java39"), "Java's key index")
        extended = pull_queues(connection, QUEUES_WRITTEN)
        found = key_answers(connection, "Orders", keys + ["java0", "java39"])
    complaints = stores.complaints(os.path.join(run.folder, java.name))
    run.end(java)
    check(checkpoint_mark(store) == mark, f"Java has changed bytes of the checkpoint that it does not use: {mark}, {checkpoint_mark(store)}")

    again = run.broker(run.ours, name + "-again", store, settings)
    with stores.connect(again) as connection:
        check_still_there(extended, pull_queues(connection, QUEUES_WRITTEN))
        check(key_answers(connection, "Orders", list(found)) == found, "keys after Java gave the store back")
        check(stores.consumer_offsets(connection).get(f"Orders@{GROUP}") == {"1": 77}, "offsets after Java gave the store back")
        check(append_some(connection, "Orders", "ours") == list(range(239, 279)), "our queue offsets behind Java's")
        check_batches(extended["Ledger", 0], LEDGER_BATCHES + 3)
        batches = append_batches(connection, "Ledger", "ours", 2)
        check(batches == offsets_of_batches((LEDGER_BATCHES + 3) * LEDGER_SIZE, 2), f"our offsets of batches behind Java's: {batches}")
    run.end(again)
    if folders:
        check_folders(folders)
    return complaints


def checkpoint_mark(store):
    """The bytes behind those that Java's checkpoint has a meaning for."""
    with open(os.path.join(store, "checkpoint"), "rb") as file:
        return file.read()[64:92]


def config_text(store, name):
    """What is in a file of the folder `config`, without blanks; nothing when there is no such file yet."""
    path = os.path.join(store, "config", name)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return "".join(file.read().split())


def golden_there_and_back(run):
    store = golden.unpack("store-clean", os.path.join(run.folder, "golden"))
    # As a slave first: a master delivers what was due in the meantime, and the JSON tells of the state before.
    slave = run.broker(run.ours, "golden-slave", store, {"brokerRole": "SLAVE", "brokerId": "1", "slaveReadEnable": "true"})
    with stores.connect(slave) as connection:
        served = golden.check_store(connection, golden.expectations("store-clean"))
    run.end(slave)
    ours = run.broker(run.ours, "golden-ours", store)
    with stores.connect(ours) as connection:
        check(append_some(connection, "GoldenNormal", "ours") == list(range(130, 170)), "our queue offsets behind Java's")
        check(append_batches(connection, "GoldenInnerBatch", "ours", 25) == offsets_of_batches(12, 25), "our offsets of batches behind Java's")
        stores.eventually(lambda: max_offset(connection, "GoldenNormal", 0) == 170, "our dispatch")
        stores.eventually(lambda: max_offset(connection, "GoldenInnerBatch", 0) == 112, "our dispatch of batches")
        extended = pull_queues(connection, served)
        check_still_there(served, extended)
        found = key_answers(connection, "GoldenNormal", ["k7", "kb10", "k159", "ours0", "ours39"])
    run.end(ours)
    java = run.broker(run.java, "golden-java", store)
    with stores.connect(java) as connection:
        check_still_there(extended, pull_queues(connection, served))
        check(key_answers(connection, "GoldenNormal", list(found)) == found and all(found.values()), f"keys on Java: {found}")
    return stores.complaints(os.path.join(run.folder, java.name))


def calibrate(run, archive):
    """What Java says about a store of its own while the same is asked of it."""
    java = run.broker(run.java, archive + "-calibration", golden.unpack(archive, os.path.join(run.folder, archive)))
    with stores.connect(java) as connection:
        pull_queues(connection, [queue[:2] for queue in golden.queues(golden.expectations("store-clean"))])
        stores.pull_all(connection, "GoldenTags", 0, "A")
        key_answers(connection, "GoldenNormal", ["k7", "absent"])
        create_topic(connection, "Orders", 3)
        append_some(connection, "GoldenNormal", "java")
        append_batches(connection, "GoldenInnerBatch", "java", 25)
    return stores.complaints(os.path.join(run.folder, java.name))


def checks(run, tally):
    jobs = {"golden": lambda: golden_there_and_back(run), "written": lambda: hand_over(run, "written", False),
            "killed": lambda: hand_over(run, "killed", True),
            "folders": lambda: hand_over(run, "folders", False, ("log-b", "log-a")), "java-clean": lambda: calibrate(run, "store-clean"),
            "java-killed": lambda: calibrate(run, "store-killed")}
    complaints = run.run_jobs(tally, jobs)
    for name in ("golden", "written", "killed", "folders"):
        if name in complaints:
            # After a kill Java has more to say, on its own stores too.
            usual = ["java-clean", "java-killed"] if name == "killed" else ["java-clean"]
            turns.record_new_complaints(tally, name, complaints[name], *(complaints.get(one, {}) for one in usual))


if __name__ == "__main__":
    sys.exit(turns.main(__doc__, checks))
