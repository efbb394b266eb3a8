# SPDX-License-Identifier: Apache-2.0
"""The store folders in tests/golden/stores, and whether a running broker serves what their JSON says."""

import hashlib
import json
import os
import subprocess

from harness import stores, toolbox
from harness.stores import ask, wire
from harness.verdicts import check

FOLDER = os.path.join(toolbox.SOURCE_ROOT, "tests", "golden", "stores")


def expectations(archive):
    """What the JSON beside the archive says: the state that the Java broker itself made of the store."""
    with open(os.path.join(FOLDER, archive + ".json"), encoding="utf-8") as file:
        return json.load(file)


def unpack(archive, home):
    """Makes the folder `home`; returns the store's root in it."""
    os.makedirs(home)
    subprocess.check_call(["cmake", "-E", "tar", "xf", os.path.join(FOLDER, archive + ".tar.zst")], cwd=home)
    return os.path.join(home, "store")


def settings(golden):
    """Sizes of the files as they are, and no cleaning: they are older than what a broker keeps."""
    sizes = {key: value for key, value in golden["brokerConfig"].items() if key not in ("brokerName", "brokerClusterName")}
    return {**sizes, "fileReservedTime": "100000", "cleanFileForciblyEnable": "false"}


def queues(golden):
    """Topic, queue id and what is said of it, for every queue that holds something."""
    for topic, content in golden["topics"].items():
        for queue_id, queue in content["queues"].items():
            yield topic, int(queue_id), queue


def check_store(connection, golden):
    """Messages, offsets, topics, groups and keys are those of the JSON. The raw records by queue."""
    served = check_queues(connection, golden)
    check_keys(connection, golden)
    check(stores.consumer_offsets(connection) == golden["consumerOffsets"], f"offsets: {stores.consumer_offsets(connection)}")
    check_tables(connection, golden)
    return served


def check_queues(connection, golden):
    served = {}
    for topic, queue_id, queue in queues(golden):
        at = f"{topic}-{queue_id}"
        for request, name in ((stores.MIN_OFFSET, "minOffset"), (stores.MAX_OFFSET, "maxOffset")):
            offset = int(ask(connection, request, {"topic": topic, "queueId": queue_id}).ext["offset"])
            check(offset == queue[name], f"{at}: {name} {offset}, not {queue[name]}")
        served[topic, queue_id] = stores.pull_all(connection, topic, queue_id)
        if golden["topics"][topic]["attributes"].get("queue.type") == "BatchCQ":
            _check_inner_messages(served[topic, queue_id], queue["messages"], at)
            continue
        check(len(served[topic, queue_id]) == len(queue["messages"]), f"{at}: {len(served[topic, queue_id])} messages")
        for raw, wanted in zip(served[topic, queue_id], queue["messages"]):
            _check_message(wire.Record(raw), wanted, at)
    return served


def check_keys(connection, golden):
    for query in golden["keyQueries"]:
        answer = stores.physical_offsets_of_key(connection, query["topic"], query["key"])
        check(set(answer) == set(query["commitLogOffsets"]), f"key {query['key']}: {answer}, not {query['commitLogOffsets']}")


def check_tables(connection, golden):
    """Topics and groups, less the topics that each broker makes under its own name."""
    topics = stores.topics(connection)
    for topic, wanted in golden["topics"].items():
        if "GoldenCluster" in topic or "golden-a" in topic or wanted["perm"] == 7:
            continue
        for field in ("readQueueNums", "writeQueueNums", "perm"):
            check(topic in topics and topics[topic][field] == wanted[field], f"topic {topic}: {topics.get(topic)}, not {wanted}")
    groups = stores.groups(connection)
    for group, wanted in golden["subscriptionGroups"].items():
        for field, value in wanted.items():
            check(group in groups and groups[group][field] == value, f"group {group}: {groups.get(group)}, not {wanted}")


def _check_inner_messages(raw_records, messages, at):
    """The messages that the JSON names stand in the records, one behind the other."""
    found = []
    for raw in raw_records:
        record = wire.Record(raw)
        for number, (flag, body, properties) in enumerate(stores.batch_items(record.body)):
            found.append({"queueOffset": record.queue_offset + number, "commitLogOffset": record.physical_offset,
                          "innerBatchRecordSize": record.size, "sysFlag": record.sys_flag, "flag": flag, "properties": properties,
                          "storeTimestamp": record.store_time, "bodyMd5": hashlib.md5(body).hexdigest()})
    check(len(found) == len(messages), f"{at}: {len(found)} messages")
    for told, wanted in zip(found, messages):
        for name, value in told.items():
            check(value == wanted[name], f"{at} offset {wanted['queueOffset']}: {name} {value}, not {wanted[name]}")


def _check_message(record, wanted, at):
    told = {"queueOffset": record.queue_offset, "commitLogOffset": record.physical_offset, "storeSize": record.size,
            "sysFlag": record.sys_flag, "flag": record.flag, "storeTimestamp": record.store_time, "bornTimestamp": record.born,
            "reconsumeTimes": record.reconsume_times, "preparedTransactionOffset": record.prepared_offset,
            "storedBodyMd5": hashlib.md5(record.body).hexdigest()}
    for name, value in told.items():
        check(value == wanted[name], f"{at} offset {wanted['queueOffset']}: {name} {value}, not {wanted[name]}")
    for name, value in wanted["properties"].items():
        check(record.properties.get(name) == value, f"{at} offset {wanted['queueOffset']}: property {name}")
