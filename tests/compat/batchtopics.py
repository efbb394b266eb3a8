#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Topics of type BatchCQ on ours and on Apache RocketMQ 5.3.3: the same requests get the same answers and leave the same records.

Ends with `N passed, N failed`.
"""
import argparse
import re
import sys
import time

from harness import servers, stores, toolbox, verdicts
from harness.stores import ask, batch_body, wire

TOPIC_STATS, EARLIEST, QUERY_CONSUME_QUEUE = 202, 32, 321
INNER, UNWRAP = 0x80, 0x40
LEDGER, PLAIN = "Ledger", "Plain"
MESSAGE_ILLEGAL = 13


def text_of(properties):
    return "".join(f"{name}\x01{value}\x02" for name, value in properties.items())


def send(connection, topic, body, properties, sys_flag=0, batch=False):
    """One send; no two are stored in the same millisecond."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass
    header = {**wire.send_fields(topic, 0, text_of(properties), batch=batch), "f": sys_flag, "g": 1_700_000_000_000}
    return connection.call(stores.SEND_BATCH if batch else stores.SEND, header, body)


# What it is, topic, body, properties, sysFlag, whether as request 320.
SENDS = [
    ("a batch of four", LEDGER, batch_body("a", 4), {"UNIQ_KEY": "A" * 32, "WAIT": "true"}, 0, True),
    ("a batch with tags", LEDGER, batch_body("b", 3), {"UNIQ_KEY": "B" * 32, "TAGS": "red", "KEYS": "whole"}, 0, True),
    ("a batch of one", LEDGER, batch_body("c", 1), {"UNIQ_KEY": "C" * 32}, 0, True),
    ("an inner batch made by the client", LEDGER, batch_body("d", 2), {"UNIQ_KEY": "D" * 32, "INNER_NUM": "2"}, INNER | UNWRAP, False),
    ("one with a number that is not its own", LEDGER, batch_body("e", 2), {"UNIQ_KEY": "E" * 32, "INNER_NUM": "7"}, 0, True),
    ("a number without the flag", LEDGER, b"x", {"UNIQ_KEY": "F" * 32, "INNER_NUM": "2"}, 0, False),
    ("a number without the flag, plain topic", PLAIN, b"x", {"UNIQ_KEY": "G" * 32, "INNER_NUM": "2"}, 0, False),
    ("the flag on a plain topic", PLAIN, batch_body("h", 2), {"UNIQ_KEY": "H" * 32, "INNER_NUM": "2"}, INNER, False),
    ("a delayed batch", LEDGER, batch_body("i", 2), {"UNIQ_KEY": "I" * 32, "DELAY": "3"}, 0, True),
    ("a batch to a plain topic", PLAIN, batch_body("j", 2), {"UNIQ_KEY": "J" * 32}, 0, True),
]
REFUSED = {name for name, *_ in SENDS[5:9]}
MAX_OFFSET = 4 + 3 + 1 + 2 + 2
PULLS = [(offset, count) for offset in (0, 1, 3, 4, 7, 8, 11, MAX_OFFSET, MAX_OFFSET + 3) for count in (1, 5, 32)]


def describe_answer(answer):
    told = {name: value for name, value in answer.ext.items() if name != "msgId"}
    if answer.code != stores.SUCCESS:
        told.pop("batchUniqId", None)  # Java adds it to some refusals, where no client looks for it.
    if answer.code == stores.SUCCESS and "msgId" in answer.ext:
        told["places"] = [int(one[-16:], 16) for one in answer.ext["msgId"].split(",")]
    return {"code": answer.code, "remark": answer.remark, **told}


def describe_record(record):
    return {"queueOffset": record.queue_offset, "place": record.physical_offset, "size": record.size, "sysFlag": record.sys_flag,
            "flag": record.flag, "crc": record.crc, "born": record.born, "body": record.body, "properties": record.properties}


def describe_pull(connection, offset, count):
    answer = connection.call(stores.PULL, wire.pull_fields(LEDGER, 0, offset, count=count))
    told = {name: answer.ext.get(name) for name in ("nextBeginOffset", "minOffset", "maxOffset")}
    records = wire.records(answer.body) if answer.code == stores.SUCCESS else []
    return {"code": answer.code, **told, "records": [describe_record(record) for record in records]}


def topic_stats(connection):
    """Offsets of the one queue; the table's key is an object, which no JSON parser reads."""
    return sorted(re.findall(rb'"(m..Offset)":(-?[0-9]+)', ask(connection, TOPIC_STATS, {"topic": LEDGER}).body))


def look(deployment):
    """Everything that is compared, by name."""
    found = {}
    with stores.connect(deployment.broker) as connection:
        for topic, attributes in ((LEDGER, "+queue.type=BatchCQ"), (PLAIN, "")):
            ask(connection, stores.UPDATE_TOPIC, {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 1, "writeQueueNums": 1, "perm": 6,
                                                  "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false",
                                                  **({"attributes": attributes} if attributes else {})})
        found["stats of a topic without messages"] = topic_stats(connection)
        for name, topic, body, properties, sys_flag, batch in SENDS:
            found[name] = describe_answer(send(connection, topic, body, properties, sys_flag, batch))

        def offset(code, **more):
            return int(ask(connection, code, {"topic": LEDGER, "queueId": 0, **more}).ext["offset"])
        stores.eventually(lambda: offset(stores.MAX_OFFSET) == MAX_OFFSET, "dispatch")
        for at, count in PULLS:
            found[f"a pull of {count} at {at}"] = describe_pull(connection, at, count)
        found["the batch of the plain topic"] = [describe_record(wire.Record(raw)) for raw in stores.pull_all(connection, PLAIN, 0)]
        found["stats"] = topic_stats(connection)
        found["min offset"] = offset(stores.MIN_OFFSET)
        records = [wire.Record(raw) for raw in stores.pull_all(connection, LEDGER, 0)]
        times = [record.store_time for record in records]
        for name, at in (("before all", times[0] - 10), ("of the first", times[0]), ("of the third", times[2]), ("of the last", times[-1]), ("behind all", times[-1] + 10)):
            found[f"the offset for the time {name}"] = offset(stores.SEARCH_OFFSET, timestamp=at)
        earliest = ask(connection, EARLIEST, {"topic": LEDGER, "queueId": 0}).ext["timestamp"]
        found["earliest store time"] = int(earliest) == times[0]
        for key in ("A" * 32, "whole", "a0"):
            found[f"key {key}"] = stores.physical_offsets_of_key(connection, LEDGER, key)
        tagged = [wire.Record(raw).queue_offset for raw in stores.pull_all(connection, LEDGER, 0, "red")]
        found["tag filter"] = tagged
        listing = ask(connection, QUERY_CONSUME_QUEUE, {"topic": LEDGER, "queueId": 0, "index": 0, "count": 3}).body
        parsed = stores.parse_json(listing)
        found["listing of the queue"] = {name: parsed.get(name) for name in ("minQueueIndex", "maxQueueIndex")}, [
            (unit["physicOffset"], unit["physicSize"], unit["tagsCode"]) for unit in parsed["queueData"]]
        alone = send(connection, LEDGER, b"alone", {"UNIQ_KEY": "K" * 32})
        batch = send(connection, LEDGER, batch_body("l", 2), {"UNIQ_KEY": "L" * 32}, 0, True)
        found["a message by itself"] = describe_answer(alone)
        found["a batch behind it"] = describe_answer(batch)
        stores.eventually(lambda: offset(stores.MAX_OFFSET) == MAX_OFFSET + 3, "dispatch of the last")
        found["all that is listed"] = [describe_record(wire.Record(raw)) for raw in stores.pull_all(connection, LEDGER, 0)]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin-dir", default=toolbox.DEFAULT_BIN_FOLDER, help="folder with mqbroker and mqnamesrv")
    parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER, help="where the Java parts are built")
    options = parser.parse_args()
    tally = verdicts.Tally()
    looks = {}
    for name in ("skylark", "java"):
        with servers.Deployment(servers.flavour(name, options.bin_dir, options.build_dir)) as deployment:
            looks[name] = look(deployment)
    for what, ours in looks["skylark"].items():
        java = looks["java"][what]
        tally.record(what, None if ours == java else f"ours {ours}, Java {java}")
    for name in REFUSED:
        code = looks["skylark"][name]["code"]
        tally.record(f"{name} is refused", None if code == MESSAGE_ILLEGAL else f"code {code}")
    return tally.close()


if __name__ == "__main__":
    sys.exit(verdicts.run_to_closing_line(main))
