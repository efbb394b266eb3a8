# SPDX-License-Identifier: Apache-2.0
"""What a running broker says its store holds, asked over the wire, and what a Java broker complained about while it had it."""

import json
import os
import re
import struct
import sys
import time

from harness import toolbox
from harness.verdicts import check

sys.path.insert(0, os.path.join(toolbox.SOURCE_ROOT, "tests", "support"))
import wire  # noqa: E402  (needs the path above)

(PULL, QUERY_KEY, QUERY_OFFSET, UPDATE_OFFSET, ALL_TOPICS, SEARCH_OFFSET, MAX_OFFSET, MIN_OFFSET, END_TRANSACTION, ALL_OFFSETS, UPDATE_TOPIC,
 UPDATE_GROUP, ALL_GROUPS, SEND, SEND_BATCH) = (11, 12, 14, 15, 21, 29, 30, 31, 37, 43, 17, 200, 201, 310, 320)
SUCCESS, PULL_NOT_FOUND, PULL_RETRY, OFFSET_MOVED, TOPIC_UNKNOWN = 0, 19, 20, 21, 17

_LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]?\d* (WARN|ERROR) (.*)$")
# How long something took, who connected when, or that a round of transaction checks came to the end: the machine's load, not the store.
_OF_THE_MOMENT = re.compile(r"cost|time\(ms\)|NOTIFYME|PAGECACHERT|too slow|takes? \d+|No new message|is NO_NEW_MSG|register|NettyRemoting|channel|heartbeat|RECONNECT", re.I)


def connect(broker):
    host, port = broker.address.rsplit(":", 1)
    return wire.Wire(host, int(port), timeout=60)


def ask(connection, code, fields=None, body=b""):
    """The answer; it must be a success."""
    answer = connection.call(code, {name: str(value) for name, value in (fields or {}).items()}, body)
    if answer.code != SUCCESS:
        raise RuntimeError(f"request {code} {fields}: {answer}")
    return answer


def parse_json(body):
    """JSON whose numeric keys may stand without quotes, as Java writes them."""
    return json.loads(re.sub(rb"([{,])(-?\d+):", rb'\1"\2":', body))


def pull_all(connection, topic, queue_id, subscription="*"):
    """Raw bytes of every record of a queue, as they stand in the commit log."""
    # Of an empty batch queue Java says −1.
    found, offset = [], max(0, int(ask(connection, MIN_OFFSET, {"topic": topic, "queueId": queue_id}).ext["offset"]))
    while True:
        answer = connection.call(PULL, {**wire.pull_fields(topic, queue_id, offset), "subscription": subscription})
        if answer.code == SUCCESS:
            at = 0
            while at < len(answer.body):
                size = int.from_bytes(answer.body[at:at + 4], "big")
                check(0 < size <= len(answer.body) - at, f"{topic}-{queue_id} behind offset {offset}: no record where one was promised")
                found.append(answer.body[at:at + size])
                at += size
        elif answer.code not in (PULL_RETRY, OFFSET_MOVED):
            if answer.code != PULL_NOT_FOUND:
                raise RuntimeError(f"pull of {topic}-{queue_id} at {offset}: {answer}")
            return found
        moved = int(answer.ext["nextBeginOffset"])
        if moved == offset:
            return found
        offset = moved


def pull_queues(connection, queues):
    """Raw bytes of every record, by topic and queue id."""
    return {queue: pull_all(connection, *queue) for queue in queues}


def check_still_there(before, after):
    """Every record of `before` is in `after` at its place, byte for byte; behind them there may be more."""
    for queue, records in before.items():
        now = after[queue]
        check(len(now) >= len(records), f"{queue}: {len(now)} of {len(records)} messages")
        for number, record in enumerate(records):
            check(now[number] == record, f"{queue} offset {number}: another record")


def key_answers(connection, topic, keys):
    """Commit log offsets of what is found, by key."""
    return {key: physical_offsets_of_key(connection, topic, key) for key in keys}


def max_offset(connection, topic, queue_id):
    return int(ask(connection, MAX_OFFSET, {"topic": topic, "queueId": queue_id}).ext["offset"])


def batch_body(tag, count):
    """The body of request 320: so many messages with a key and a flag of their own."""
    body = b""
    for number in range(count):
        text = f"{tag}-{number}".encode()
        properties = f"KEYS\x01{tag}{number}\x02WAIT\x01true\x02".encode()
        body += struct.pack(">iiiii", 22 + len(text) + len(properties), 0, 0, number, len(text)) + text
        body += struct.pack(">h", len(properties)) + properties
    return body


def batch_items(body):
    """Flag, body and properties of each message in such a body."""
    items, at = [], 0
    while at < len(body):
        flag, length = struct.unpack_from(">ii", body, at + 12)
        text = body[at + 20:at + 20 + length]
        at += 20 + length
        length, = struct.unpack_from(">h", body, at)
        pieces = body[at + 2:at + 2 + length].decode().split("\x02")
        items.append((flag, text, dict(piece.split("\x01", 1) for piece in pieces if "\x01" in piece)))
        at += 2 + length
    return items


def topics(connection):
    return parse_json(ask(connection, ALL_TOPICS).body)["topicConfigTable"]


def groups(connection):
    return parse_json(ask(connection, ALL_GROUPS).body)["subscriptionGroupTable"]


def consumer_offsets(connection):
    return parse_json(ask(connection, ALL_OFFSETS).body)["offsetTable"]


def physical_offsets_of_key(connection, topic, key):
    """Commit log offsets of what the key index finds, ascending; Java names a message once for each of its equal keys."""
    answer = connection.call(QUERY_KEY, {"topic": topic, "key": key, "maxNum": "64", "beginTimestamp": "0",
                                         "endTimestamp": str(2 ** 63 - 1)})
    return sorted({record.physical_offset for record in wire.records(answer.body)}) if answer.code == SUCCESS else []


def eventually(question, what, seconds=60):
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def complaints(home):
    """Kinds of WARN and ERROR lines in the logs of a Java broker: level and text without numbers, ids and paths → one example."""
    kinds = {}
    for folder, _, files in os.walk(os.path.join(home, "logs")):
        for file in sorted(files):
            if not file.endswith(".log"):
                continue
            with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as log:
                for line in log:
                    match = _LOG_LINE.match(line.rstrip("\n"))
                    if match and not _OF_THE_MOMENT.search(match.group(2)):
                        text = re.sub(r"/\S+|0x[0-9a-fA-F]+|[0-9A-F]{16,}|-?\d+", "#", match.group(2))
                        kinds.setdefault(f"{match.group(1)} {text}", f"{file}: {line.strip()}")
    return kinds
