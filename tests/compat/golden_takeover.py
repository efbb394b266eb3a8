#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store folders that a Java broker left, stopped, killed or torn, are taken over by our broker and given back to Java.

For each: ours serves it as slave and all is as the JSON says, and nothing pending is touched; ours runs it as master, delivers what was
delayed, asks about the half messages that nobody ended, and ends one; Java opens it, reads every record, delivers nothing twice, ends the
other half message, and goes on behind. About a store from our hands it may complain of nothing that it does not complain of in its own.
Ends with `N passed, N failed`.
"""
import hashlib
import json
import os
import sys

from harness import golden, stores, turns
from harness.stores import ask, check_still_there, max_offset, pull_queues, wire
from harness.verdicts import check

ARCHIVES = ("store-clean", "store-killed", "store-torn")
HALF_TOPIC, SCHEDULE_TOPIC, LAST_LEVEL = "RMQ_SYS_TRANS_HALF_TOPIC", "SCHEDULE_TOPIC_XXXX", 18
PENDING_HALVES = {"txk3": ("GoldenTx", 1), "txk7": ("GoldenTx", 1)}  # By key: where each belongs.
SLAVE = {"brokerRole": "SLAVE", "brokerId": "1", "slaveReadEnable": "true"}
# The last level is short, so that a message of it shows that all before it had their turn. What the store holds has its time already.
MASTER = {"messageDelayLevel": "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 1s",
          "transactionCheckInterval": "1000", "transactionTimeOut": "1000"}
HEARTBEAT, DELAY_OFFSETS, CHECK_TRANSACTION, COMMIT = 34, 45, 39, 8


def timer_files(store):
    """Path → digest of the files of Java's timer, which are not ours."""
    found = {}
    for folder, _, names in os.walk(store):
        for name in names:
            path = os.path.join(folder, name)
            if "timer" in os.path.relpath(path, store):
                with open(path, "rb") as file:
                    found[path] = hashlib.md5(file.read()).hexdigest()
    return found


def pending_delays(expected):
    """Records of the last level that were not delivered yet: queue → digests of the bodies to come."""
    due = {}
    messages = expected["topics"][SCHEDULE_TOPIC]["queues"][str(LAST_LEVEL - 1)]["messages"]
    for message in messages[expected["delayOffsets"][str(LAST_LEVEL)]:]:
        queue = (message["properties"]["REAL_TOPIC"], int(message["properties"]["REAL_QID"]))
        due.setdefault(queue, []).append(message["storedBodyMd5"])
    check(len(due) == 2, f"pending: {due}")
    return due


def check_delivered(connection, expected):
    """What was pending stands once in its queues, in its order, behind what was there."""
    for (topic, queue_id), bodies in pending_delays(expected).items():
        before = expected["topics"][topic]["queues"][str(queue_id)]["maxOffset"]
        stores.eventually(lambda: max_offset(connection, topic, queue_id) >= before + len(bodies), f"delivery to {topic}-{queue_id}")
        records = [wire.Record(raw) for raw in stores.pull_all(connection, topic, queue_id)]
        told = [hashlib.md5(record.body).hexdigest() for record in records[before:]]
        check(told == bodies, f"{topic}-{queue_id}: delivered {told}, not {bodies}")


def end_half_message(connection, key):
    """Tells the broker that there is a producer again, waits to be asked about the half message, and commits it. The keys asked about."""
    body = {"clientID": "golden-producer", "producerDataSet": [{"groupName": "PG_tx"}], "consumerDataSet": []}
    ask(connection, HEARTBEAT, body=json.dumps(body).encode())
    topic, queue_id = PENDING_HALVES[key]
    before = max_offset(connection, topic, queue_id)

    def questions():
        ask(connection, stores.MAX_OFFSET, {"topic": topic, "queueId": queue_id})  # Questions come in between.
        return {wire.Record(pushed.body).properties["KEYS"]: pushed for pushed in connection.pushed if pushed.code == CHECK_TRANSACTION}
    stores.eventually(lambda: key in questions(), f"question about {key}")
    asked = questions()
    question, record = asked[key], wire.Record(asked[key].body)
    ask(connection, stores.END_TRANSACTION, {
        "topic": topic, "producerGroup": "PG_tx", "tranStateTableOffset": question.ext["tranStateTableOffset"],
        "commitLogOffset": question.ext["commitLogOffset"], "commitOrRollback": COMMIT, "fromTransactionCheck": "true",
        "msgId": record.properties["UNIQ_KEY"], "transactionId": record.properties["UNIQ_KEY"]})
    stores.eventually(lambda: max_offset(connection, topic, queue_id) > before, f"the message {key}")
    last = wire.Record(stores.pull_all(connection, topic, queue_id)[before])
    check(last.properties["KEYS"] == key and last.body == record.body, f"committed: {last.properties}")
    return set(asked)


def send_delayed(connection):
    """A message of the last level has come, once: nothing before it was delivered again."""
    before = {queue_id: max_offset(connection, "GoldenDelay", queue_id) for queue_id in (0, 1)}
    text = f"DELAY\x01{LAST_LEVEL}\x02KEYS\x01late\x02"
    ask(connection, stores.SEND, wire.send_fields("GoldenDelay", 0, text), b"behind all")
    stores.eventually(lambda: max_offset(connection, "GoldenDelay", 0) > before[0], "a message of the last level")
    after = {queue_id: max_offset(connection, "GoldenDelay", queue_id) for queue_id in (0, 1)}
    check(after == {0: before[0] + 1, 1: before[1]}, f"offsets went from {before} to {after}")


def all_keys(connection, expected):
    return {(query["topic"], query["key"]): stores.physical_offsets_of_key(connection, query["topic"], query["key"])
            for query in expected["keyQueries"]}


def check_same_keys(before, after):
    """A half message that is asked about once more is written once more."""
    for (topic, key), places in before.items():
        now = after[topic, key]
        check(now[:len(places)] == places if topic == HALF_TOPIC else now == places, f"key {key} of {topic}: {now}, not {places}")


def check_offsets(connection, expected):
    """Those of consumers; the broker's own, below system topics, go on."""
    offsets = stores.consumer_offsets(connection)
    for name, wanted in expected["consumerOffsets"].items():
        check(name.startswith("rmq_sys_") or offsets.get(name) == wanted, f"offsets of {name}: {offsets.get(name)}, not {wanted}")


def serve_as_slave(run, name, store, expected):
    """Everything is as the JSON says, and stays so over an orderly stop. The records."""
    timers = timer_files(store)
    check(len(timers) > 2, f"files of the timer: {timers}")
    for turn in ("first", "second"):
        slave = run.broker(run.ours, f"{name}-slave-{turn}", store, SLAVE)
        with stores.connect(slave) as connection:
            served = golden.check_store(connection, expected)
            delays = stores.parse_json(ask(connection, DELAY_OFFSETS).body)["offsetTable"]
            check(delays == expected["delayOffsets"], f"offsets of delivery: {delays}")
        run.end(slave)
    check(timer_files(store) == timers, "the files of Java's timer have changed")
    return served


def take_over(run, name):
    """What Java complained about in the end."""
    expected = golden.expectations(name)
    store = golden.unpack(name, os.path.join(run.folder, name))
    served = serve_as_slave(run, name, store, expected)

    ours = run.broker(run.ours, name + "-ours", store, MASTER)
    with stores.connect(ours) as connection:
        check_delivered(connection, expected)
        asked = end_half_message(connection, "txk3")
        check(asked <= set(PENDING_HALVES), f"asked about {asked}, though only {set(PENDING_HALVES)} were not ended")
        extended = pull_queues(connection, served)
        check_still_there(served, extended)
        keys = all_keys(connection, expected)
        check(all(keys[query["topic"], query["key"]] for query in expected["keyQueries"] if query["commitLogOffsets"]), f"keys: {keys}")
        check_offsets(connection, expected)
    run.end(ours)

    java = run.broker(run.java, name + "-java", store, MASTER)
    with stores.connect(java) as connection:
        check_still_there(extended, look_around(connection, served))
        check_same_keys(keys, all_keys(connection, expected))
        check_offsets(connection, expected)
        golden.check_tables(connection, expected)
        check_delivered(connection, expected)
        go_on(connection)
    return stores.complaints(os.path.join(run.folder, java.name))


def look_around(connection, queues):
    """The records; tags are asked for besides."""
    found = pull_queues(connection, queues)
    stores.pull_all(connection, "GoldenTags", 0, "A")
    return found


def go_on(connection):
    """Java uses the store as a master does."""
    end_half_message(connection, "txk7")
    send_delayed(connection)
    place = max_offset(connection, "GoldenNormal", 0)
    answer = ask(connection, stores.SEND, wire.send_fields("GoldenNormal", 0, "KEYS\x01next\x02"), b"next")
    check(int(answer.ext["queueOffset"]) == place, f"the next message got offset {answer.ext['queueOffset']}, not {place}")
    stores.eventually(lambda: stores.physical_offsets_of_key(connection, "GoldenNormal", "next"), "Java's key index")


def calibrate(run):
    """What Java says about a store of its own, stopped in order, while the same is asked of it."""
    expected = golden.expectations("store-clean")
    java = run.broker(run.java, "calibration", golden.unpack("store-clean", os.path.join(run.folder, "calibration-home")), MASTER)
    with stores.connect(java) as connection:
        check_delivered(connection, expected)
        look_around(connection, [queue[:2] for queue in golden.queues(expected)])
        all_keys(connection, expected)
        stores.consumer_offsets(connection)
        golden.check_tables(connection, expected)
        go_on(connection)
    return stores.complaints(os.path.join(run.folder, java.name))


def checks(run, tally):
    complaints = run.run_jobs(tally, {**{name: lambda name=name: take_over(run, name) for name in ARCHIVES},
                                      "java alone": lambda: calibrate(run)})
    for name in ARCHIVES:
        if name in complaints:
            turns.record_new_complaints(tally, name, complaints[name], complaints.get("java alone", {}))


if __name__ == "__main__":
    sys.exit(turns.main(__doc__, checks))
