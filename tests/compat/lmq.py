#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Queues within queues (enableLmq, enableMultiDispatch) on a Java broker 5.3.3 and on ours: the same requests, the same answers and records,
and each goes on with the other's store.

Ends with `N passed, N failed`.
"""
import json
import os
import sys
import threading

import handover
from harness import stores, turns
from harness.stores import ask, wire
from harness.verdicts import Failure, check

SETTINGS = {"enableLmq": "true", "enableMultiDispatch": "true", "flushConsumerOffsetInterval": "200"}
DISPATCH, OFFSETS = "INNER_MULTI_DISPATCH", "INNER_MULTI_QUEUE_OFFSET"
CLEAN_UNUSED_TOPIC, GROUP = 316, "%LMQ%group"
QUEUES = [("Parent", 0), ("Parent", 1), ("%LMQ%a", 0), ("%LMQ%b", 0), ("%LMQ%direct", 0), ("%RETRY%G", 0)]


def send(connection, topic, queue_id, names, tag, **more):
    properties = {"TAGS": tag, "UNIQ_KEY": f"U{tag:0>31}", **({DISPATCH: names} if names else {}), **more}
    return handover.send(connection, topic, queue_id, b"body " + tag.encode(), properties)


def describe(raw):
    """What a record says, but for times, hosts and the order of its properties."""
    record = wire.Record(raw)
    return {"size": record.size, "offset": record.queue_offset, "physical": record.physical_offset, "queue": record.queue_id,
            "topic": record.topic, "sysFlag": record.sys_flag, "body": record.body.decode(), "properties": dict(sorted(record.properties.items()))}


def woken_pull(broker, topic, offset, act):
    """A pull that is held until `act` has happened. The record it brings."""
    answers = []

    def hold():
        with stores.connect(broker) as connection:
            answers.append(connection.call(stores.PULL, {**wire.pull_fields(topic, 0, offset), "sysFlag": "6", "suspendTimeoutMillis": "50000"}))

    thread = threading.Thread(target=hold)
    thread.start()
    act()
    thread.join(60)
    check(answers and answers[0].code == 0, f"held pull of {topic}: {answers}")
    return describe(answers[0].body)


def fill(broker):
    """The requests of the first owner of a store. Everything that both brokers must answer alike."""
    told = {}
    with stores.connect(broker) as connection:
        handover.create_topic(connection, "Parent", 2)
        send(connection, "Parent", 0, "%LMQ%a,%LMQ%b", "1")
        send(connection, "Parent", 1, "%LMQ%a", "2", WAIT="true")
        send(connection, "Parent", 1, None, "3")
        send(connection, "Parent", 0, "%LMQ%b,%LMQ%a", "4", WAIT="false", KEYS="k4")
        send(connection, "Parent", 0, "%LMQ%a", "5", **{OFFSETS: "77"})
        send(connection, "%LMQ%direct", 0, None, "6")
        send(connection, "%RETRY%G", 0, "%LMQ%a", "7")
        told["unknown queue"] = connection.call(stores.PULL, wire.pull_fields("%LMQ%none", 0, 0)).code
        told["second queue"] = connection.call(stores.PULL, wire.pull_fields("%LMQ%a", 1, 0)).code
        stores.eventually(lambda: stores.max_offset(connection, "%LMQ%a", 0) == 4, "dispatch of the inner queues")
        told["records"] = {f"{topic}-{queue}": [describe(raw) for raw in stores.pull_all(connection, topic, queue)] for topic, queue in QUEUES}
        told["tag"] = [describe(raw)["body"] for raw in stores.pull_all(connection, "%LMQ%a", 0, "4")]
        ask(connection, stores.UPDATE_GROUP, body=json.dumps({"groupName": "GID_plain", "consumeEnable": True}).encode())
        for group in (GROUP, "GID_plain"):
            ask(connection, stores.UPDATE_OFFSET, {"consumerGroup": group, "topic": "%LMQ%a", "queueId": 0, "commitOffset": 2})
            told[group] = ask(connection, stores.QUERY_OFFSET, {"consumerGroup": group, "topic": "%LMQ%a", "queueId": 0}).ext["offset"]
        told["topics"] = sorted(name for name in stores.topics(connection) if name.startswith("%LMQ%"))
        told["groups"] = sorted(name for name in stores.groups(connection) if name.startswith("%LMQ%"))
        ask(connection, CLEAN_UNUSED_TOPIC)
        told["after cleaning"] = stores.max_offset(connection, "%LMQ%a", 0)
        woken = woken_pull(broker, "%LMQ%b", 2, lambda: send(connection, "Parent", 0, "%LMQ%b", "8"))
        told["woken"] = woken["body"]
    path = os.path.join(broker.store_folder, "config", "lmqConsumerOffset.json")
    stores.eventually(lambda: '"%LMQ%a@%LMQ%group":2' in handover.config_text(broker.store_folder, "lmqConsumerOffset.json"), path)
    told["file"] = sorted(stores.parse_json(handover.config_text(broker.store_folder, "lmqConsumerOffset.json").encode()))
    return told


def go_on(broker, first):
    """The next owner finds all of it and gives the next offsets."""
    with stores.connect(broker) as connection:
        found = {f"{topic}-{queue}": [describe(raw) for raw in stores.pull_all(connection, topic, queue)] for topic, queue in QUEUES}
        for queue, records in first["records"].items():
            check(found[queue][:len(records)] == records, f"{queue}: {found[queue]}, not {records}")
        for group in (GROUP, "GID_plain"):
            offset = ask(connection, stores.QUERY_OFFSET, {"consumerGroup": group, "topic": "%LMQ%a", "queueId": 0}).ext["offset"]
            check(offset == "2", f"{group}: offset {offset}")
        before = stores.max_offset(connection, "%LMQ%a", 0), stores.max_offset(connection, "%LMQ%b", 0)
        send(connection, "Parent", 1, "%LMQ%a,%LMQ%b", "9")
        stores.eventually(lambda: stores.max_offset(connection, "%LMQ%b", 0) == before[1] + 1, "dispatch")
        record = describe(stores.pull_all(connection, "%LMQ%a", 0)[-1])
        check(record["properties"][OFFSETS] == f"{before[0]},{before[1]}", f"next offsets: {record}, not {before}")


def story(run, name, first, second, killed):
    store = os.path.join(run.folder, name, "store")
    broker = run.broker(first, name + "-first", store)
    told = fill(broker)
    if killed:
        broker.kill()
    else:
        run.end(broker)
    for number, flavour in enumerate((second, first)):
        broker = run.broker(flavour, f"{name}-{number}", store)
        go_on(broker, told)
        run.end(broker)
    return told


def checks(run, tally):
    told = {}
    for name, first, second, killed in (("java", run.java, run.ours, False), ("ours", run.ours, run.java, False),
                                        ("killed", run.ours, run.java, True)):
        try:
            told[name] = story(run, name, first, second, killed)
            tally.record(name)
        except (Failure, RuntimeError, OSError, KeyError, ValueError, wire.Closed) as error:
            tally.record(name, f"{type(error).__name__}: {error}")
    for item in told.get("java", {}):
        same = "ours" in told and told["ours"][item] == told["java"][item]
        tally.record(f"{item} as Java", None if same else f"{json.dumps(told.get('ours', {}).get(item))}\n  not {json.dumps(told['java'][item])}")


if __name__ == "__main__":
    sys.exit(turns.main(__doc__, checks, SETTINGS))
