#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input on the wire as a table: what is sent, the code and exact remark of the answer, whether the connection lives.

    badinput.py --against skylark|java [--bin-dir build/release/bin]

Where the Java servers answer with the text of an exception only the code is compared (ANY in the table): nobody can
depend on that text. After every row another connection, open all the time, must still be served.
"""

import argparse
import json
import struct
import sys

from harness import frames, servers, toolbox
from harness.verdicts import Tally, run_to_closing_line

ANY = None  # As a remark: not compared.

SEND, PULL, SEARCH_MAX, QUERY_MESSAGE, VIEW, CREATE_TOPIC = 10, 11, 30, 12, 33, 17
HEART_BEAT, SEND_BACK, END_TRANSACTION, CONSUMER_LIST, UPDATE_OFFSET, LOCK_BATCH = 34, 36, 37, 38, 15, 41
TOPIC_STATS, CONSUMER_CONNECTIONS, RESET_OFFSET, SEND_BATCH = 202, 203, 222, 320
GET_KV, TOPIC_ROUTE = 101, 105

TOPIC = "Good"
FAQ = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."
ILLEGAL_NAME = "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
ILLEGAL_MESSAGE = ("the message is illegal, maybe msg body or properties length not matched. "
                   "msg body length limit 4194304B, msg properties length limit 32KB.")
TOPIC_CONFIG = (f"TopicConfig [topicName={TOPIC}, readQueueNums=2, writeQueueNums=2, perm=RW-, topicFilterType=SINGLE_TAG, "
                "topicSysFlag=0, order=false, attributes={}]")
BODY_MAX = 4 << 20
BATCH_ITEM_HEAD = 22  # Five integers before the body and the length of the properties behind it.
FRAME_MAX = 16777212  # Of the length field; one more closes the connection.


def fields(defaults, changes):
    """The default fields with some changed; None takes one away."""
    merged = {**defaults, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def send(**changes):
    return fields({"producerGroup": "PG", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
                   "queueId": "0", "sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": "",
                   "reconsumeTimes": "0"}, changes)


def batch(**changes):
    return fields({"a": "PG", "b": TOPIC, "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "i": "", "m": "true"}, changes)


def batch_item(body_size):
    """A batch of one message without properties."""
    return struct.pack(">iiiii", BATCH_ITEM_HEAD + body_size, 0, 0, 0, body_size) + b"x" * body_size + struct.pack(">h", 0)


def pull(**changes):
    return fields({"consumerGroup": "CG", "topic": TOPIC, "queueId": "0", "queueOffset": "0", "maxMsgNums": "1",
                   "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0", "subVersion": "1",
                   "subscription": "*"}, changes)


def create(topic):
    return {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "2", "writeQueueNums": "2", "perm": "6",
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false"}


def send_back(**changes):
    return fields({"offset": "0", "group": "CG", "delayLevel": "0", "originMsgId": "x", "originTopic": TOPIC,
                   "unitMode": "false", "maxReconsumeTimes": "3"}, changes)


# Where, what it is, request code, fields, body; response code, exact remark ({me} is our address). The connection lives.
REQUESTS = [
    ("broker", "unknown request code", 9999, {}, b"", 3, " request type 9999 not supported"),
    ("broker", "negative request code", -5, {}, b"", 3, " request type -5 not supported"),
    ("namesrv", "unknown request code", 9999, {}, b"", 3, " request type 9999 not supported"),
    ("fast", "pull on the fast port", PULL, pull(), b"", 3, " request type 11 not supported"),
    ("broker", "send: unknown topic, auto-creation off", SEND, send(topic="Absent"), b"x", 17,
     "topic[Absent] not exist, apply first please!" + FAQ),
    ("broker", "send: empty topic", SEND, send(topic=""), b"x", 29, "The specified topic is blank."),
    ("broker", "send: blank topic", SEND, send(topic="   "), b"x", 29, "The specified topic is blank."),
    ("broker", "send: bad characters in the topic", SEND, send(topic="a b!"), b"x", 29, ILLEGAL_NAME),
    ("broker", "send: topic of 128 characters", SEND, send(topic="x" * 128), b"x", 29,
     "The specified topic is longer than topic max length."),
    ("broker", "send: topic of 127 characters is legal", SEND, send(topic="x" * 127), b"x", 17,
     f"topic[{'x' * 127}] not exist, apply first please!" + FAQ),
    ("broker", "send: to the delay topic", SEND, send(topic="SCHEDULE_TOPIC_XXXX"), b"x", 16,
     "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden."),
    ("broker", "send: to the half topic", SEND, send(topic="RMQ_SYS_TRANS_HALF_TOPIC"), b"x", 16,
     "Sending message to topic[RMQ_SYS_TRANS_HALF_TOPIC] is forbidden."),
    ("broker", "send: queue beyond the last", SEND, send(queueId="99"), b"x", 29,
     f"request queueId[99] is illegal, {TOPIC_CONFIG} Producer: {{me}}"),
    ("broker", "send: body one byte over the limit", SEND, send(), b"x" * (BODY_MAX + 1), 13, ILLEGAL_MESSAGE),
    ("broker", "send: body of exactly the limit is legal", SEND, send(), b"x" * BODY_MAX, 0, ANY),
    ("broker", "send: properties over the limit", SEND, send(properties=f"k\x01{'v' * 32768}\x02"), b"x", 13, ILLEGAL_MESSAGE),
    ("broker", "send: topic missing", SEND, send(topic=None), b"x", 1, ANY),
    ("broker", "send: queueId missing", SEND, send(queueId=None), b"x", 1, ANY),
    ("broker", "send: queueId no number", SEND, send(queueId="abc"), b"x", 1, ANY),
    ("broker", "send: no fields at all", SEND, {}, b"x", 1, ANY),
    ("broker", "send: no body", SEND, send(), b"", 1, ANY),
    ("broker", "send: retry topic of 128 characters", SEND, send(topic="%RETRY%" + "x" * 121), b"x", 29,
     "The specified topic is longer than topic max length."),
    ("broker", "send: batch to a retry topic", SEND_BATCH, batch(b="%RETRY%CG"), b"x", 13,
     "batch request does not support retry group %RETRY%CG"),
    ("broker", "send: batch of exactly the limit is legal", SEND_BATCH, batch(), batch_item(BODY_MAX - BATCH_ITEM_HEAD), 0, ANY),
    ("broker", "send: batch with a delay", SEND_BATCH, batch(i="DELAY\x012\x02"), batch_item(10), 13, ILLEGAL_MESSAGE),
    ("broker", "send: batch of half messages", SEND_BATCH, batch(f="4"), batch_item(10), 13, ILLEGAL_MESSAGE),
    ("broker", "pull: unknown topic", PULL, pull(topic="Absent"), b"", 17,
     "topic[Absent] not exist, apply first please! " + FAQ),
    ("broker", "pull: queue beyond the last", PULL, pull(queueId="99"), b"", 29,
     f"queueId[99] is illegal, topic:[{TOPIC}] topicConfig.readQueueNums:[2] consumer:[/{{me}}]"),
    ("broker", "pull: negative queue", PULL, pull(queueId="-1"), b"", 29,
     f"queueId[-1] is illegal, topic:[{TOPIC}] topicConfig.readQueueNums:[2] consumer:[/{{me}}]"),
    ("broker", "pull: queueId missing", PULL, pull(queueId=None), b"", 1, ANY),
    ("broker", "pull: group not online, no subscription", PULL, pull(sysFlag="0", subscription=None), b"", 24,
     "the consumer's group info not exist" + FAQ),
    ("broker", "pull: SQL92 with property filters off", PULL, pull(expressionType="SQL92", subscription="a > 1"), b"", 1,
     "The broker does not support consumer to filter message by SQL92"),
    ("broker", "pull: far past the end", PULL, pull(queueOffset="500"), b"", 21, "OFFSET_OVERFLOW_BADLY"),
    ("broker", "heartbeat: body no JSON", HEART_BEAT, {}, b"{not json", 1, ANY),
    ("broker", "lock: body no JSON", LOCK_BATCH, {}, b"{not json", 1, ANY),
    ("broker", "consumers of an unknown group", CONSUMER_LIST, {"consumerGroup": "nobody"}, b"", 1,
     "no consumer for this group, nobody"),
    ("broker", "connections of an unknown group", CONSUMER_CONNECTIONS, {"consumerGroup": "nobody"}, b"", 206,
     "the consumer group[nobody] not online"),
    ("broker", "offset of an unknown topic", UPDATE_OFFSET,
     {"consumerGroup": "CG", "topic": "Absent", "queueId": "0", "commitOffset": "1"}, b"", 17, "Topic Absent not exist!"),
    ("broker", "offset of an unknown group", UPDATE_OFFSET,
     {"consumerGroup": "nobody", "topic": TOPIC, "queueId": "0", "commitOffset": "1"}, b"", 26, "Group nobody not exist!"),
    ("broker", "view: past the end of the log", VIEW, {"offset": "99999999"}, b"", 1,
     "can not find message by the offset, 99999999"),
    ("broker", "query: unknown key", QUERY_MESSAGE,
     {"topic": TOPIC, "key": "no-such-key", "maxNum": "32", "beginTimestamp": "0", "endTimestamp": "9999999999999"}, b"", 22,
     "can not find message, maybe time range not correct"),
    ("broker", "end of an unknown transaction", END_TRANSACTION,
     {"producerGroup": "PG", "tranStateTableOffset": "0", "commitLogOffset": "99999999", "commitOrRollback": "8",
      "fromTransactionCheck": "false", "msgId": "x"}, b"", 1, "Find prepared transaction message failed"),
    ("broker", "send back: past the end of the log", SEND_BACK, send_back(offset="99999999"), b"", 1,
     "look message by offset failed, 99999999"),
    ("broker", "create: bad characters", CREATE_TOPIC, create("a b"), b"", 29, ILLEGAL_NAME),
    ("broker", "create: a system topic", CREATE_TOPIC, create("TBW102"), b"", 29,
     "The topic[TBW102] is conflict with system topic."),
    ("broker", "status of an unknown topic", TOPIC_STATS, {"topic": "Absent"}, b"", 17, "topic[Absent] not exist"),
    ("broker", "reset on an unknown topic", RESET_OFFSET,
     {"topic": "Absent", "group": "CG", "timestamp": "0", "isForce": "true"}, b"", 17, "Topic Absent does not exist"),
    ("namesrv", "route of an unknown topic", TOPIC_ROUTE, {"topic": "Absent"}, b"", 17,
     "No topic route info in name server for the topic: Absent" + FAQ),
    ("namesrv", "unknown KV item", GET_KV, {"namespace": "a", "key": "b"}, b"", 22, "No config item, Namespace: a Key: b"),
]

GOOD_HEADER = json.dumps({"code": SEARCH_MAX, "language": "JAVA", "version": 479, "opaque": 5, "flag": 0,
                          "extFields": {"topic": TOPIC, "queueId": "0"}}).encode()
BINARY_HEAD = struct.pack(">hbhii", SEARCH_MAX, 0, 479, 5, 0)

# What it is, bytes. No answer comes, and the connection ends.
BROKEN_FRAMES = [
    ("garbage bytes", b"\xff" * 64),
    ("an HTTP request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("frame one byte over the limit", struct.pack(">iI", FRAME_MAX + 1, len(GOOD_HEADER)) + GOOD_HEADER),
    ("negative length", struct.pack(">iI", -1, len(GOOD_HEADER)) + GOOD_HEADER),
    ("length zero", struct.pack(">i", 0) + bytes(30)),
    ("length below the header word", struct.pack(">i", 3) + bytes(30)),
    ("header longer than the frame", struct.pack(">iI", 4 + len(GOOD_HEADER), len(GOOD_HEADER) + 10) + GOOD_HEADER),
    ("unknown codec byte", frames.frame(GOOD_HEADER, codec=7)),
    ("bad JSON header", frames.frame(b"{nonsense" + b"x" * 30)),
    ("JSON header that is no object", frames.frame(b"[1,2,3,4,5,6,7,8]")),
    ("binary header cut short", frames.frame(b"\0" * 5, codec=1)),
    ("binary header with a negative length inside", frames.frame(BINARY_HEAD + struct.pack(">ii", -1, 0), codec=1)),
]


class Bench:
    """The servers, and one connection to each that stays open through all rows."""

    def __init__(self, deployment):
        host, port = deployment.broker.address.split(":")
        self.addresses = {"broker": (host, int(port)), "fast": (host, int(port) - 2),
                          "namesrv": tuple(deployment.name_server.address.split(":"))}
        self._witnesses = {}

    def connect(self, where, timeout_s=60):
        host, port = self.addresses[where]
        return frames.Connection(host, int(port), timeout_s)

    def expect_service(self, where):
        """Others do not suffer: the witness is answered. It is renewed only where the server closed it for idleness."""
        witness = self._witnesses.get(where) or self.connect(where)
        try:
            self.ask(where, witness)
        except ConnectionError:
            witness = self.connect(where)
            self.ask(where, witness)
        self._witnesses[where] = witness

    def ask(self, where, connection):
        code, ext = (106, {}) if where == "namesrv" else (SEARCH_MAX, {"topic": TOPIC, "queueId": "0"})
        expect_equal(0, connection.call(code, ext).code, f"code of a good request to {where}")


def check_request(bench, row):
    where, _, code, ext, body, want_code, want_remark = row
    with bench.connect(where) as connection:
        reply = connection.call(code, ext, body)
        expect_equal(want_code, reply.code, f"code (remark {reply.remark!r})")
        if want_remark is not ANY:
            expect_equal(want_remark.replace("{me}", connection.local_address), reply.remark, "remark")
        bench.ask(where, connection)  # The connection lives.
    bench.expect_service(where)


def check_broken_frame(bench, where, raw):
    with bench.connect(where) as connection:
        try:
            connection.send(raw)
            reply = connection.read()
        except OSError:
            reply = None
        expect(reply is None, "no answer to a broken frame")
        expect(connection.wait_closed(), "the connection ends")
    bench.expect_service(where)


def one_way_is_never_answered(bench):
    with bench.connect("broker") as connection:
        for code, ext in ((9999, {}), (SEND, send(topic="Absent"))):
            connection.send(frames.encode(code, ext, b"x", flag=frames.FLAG_ONE_WAY)[1])
        opaque, raw = frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"})
        connection.send(raw)
        expect_equal(opaque, connection.read().opaque, "first answer on the connection")


def largest_legal_frame_is_served(bench):
    opaque, head = frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"})
    _, raw = frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"}, bytes(FRAME_MAX + 4 - len(head)), opaque=opaque)
    expect_equal(FRAME_MAX + 4, len(raw), "size of the frame")
    with bench.connect("broker") as connection:
        connection.send(raw)
        expect_equal(0, connection.response_to(opaque).code, "code")


def many_requests_in_one_write(bench):
    requests = [frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"}) for _ in range(50)]
    with bench.connect("broker") as connection:
        connection.send(b"".join(raw for _, raw in requests))
        answered = {connection.read().opaque for _ in requests}
    expect_equal({opaque for opaque, _ in requests}, answered, "answers")


def half_a_frame_then_close(bench):
    _, raw = frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"})
    for cut in (1, 3, 4, 7, 8, len(raw) // 2, len(raw) - 1):
        with bench.connect("broker") as connection:
            connection.send(raw[:cut])
    bench.expect_service("broker")


def slow_loris(bench):
    """A frame byte by byte, with a whole exchange of somebody else after each byte; in the end it is answered, too."""
    opaque, raw = frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"})
    with bench.connect("broker") as slow:
        for position in range(len(raw)):
            slow.send(raw[position:position + 1])
            bench.expect_service("broker")
        expect_equal(0, slow.response_to(opaque).code, "code")


def half_open(bench):
    """Peers that say nothing, or half a frame, and stay: others are served, and the server ends them when they idle."""
    _, raw = frames.encode(SEARCH_MAX, {"topic": TOPIC, "queueId": "0"})
    silent = [bench.connect("broker") for _ in range(20)]
    for connection in silent[10:]:
        connection.send(raw[:len(raw) // 2])
    bench.expect_service("broker")
    for connection in silent:
        expect(connection.wait_closed(), f"a silent connection ends ({IDLE_SETTING})")
        connection.close()
    bench.expect_service("broker")


STORIES = [one_way_is_never_answered, largest_legal_frame_is_served, many_requests_in_one_write, half_a_frame_then_close,
           slow_loris, half_open]

IDLE_SETTING = "serverChannelMaxIdleTimeSeconds=10"


class Wrong(AssertionError):
    """A server answered otherwise than the table says."""


def expect(holds, what):
    if not holds:
        raise Wrong(f"not as expected: {what}")


def expect_equal(expected, actual, what):
    if expected != actual:
        raise Wrong(f"{what}: expected {expected!r} but got {actual!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", choices=("skylark", "java"), required=True)
    parser.add_argument("--bin-dir", default=toolbox.DEFAULT_BIN_FOLDER, help="folder of our programs")
    parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER, help="where warm.sh builds the Java programs")
    arguments = parser.parse_args()

    tally = Tally()
    flavour = servers.flavour(arguments.against, arguments.bin_dir, arguments.build_dir)
    with servers.Deployment(flavour, dict([IDLE_SETTING.split("=")])) as deployment:
        bench = Bench(deployment)
        created = frames.call(deployment.broker.address, CREATE_TOPIC, create(TOPIC))
        if created.code != 0:
            raise SystemExit(f"cannot create the topic: {created.code} {created.remark}")
        checks = [(f"{row[0]}: {row[1]}", check_request, (row,)) for row in REQUESTS]
        checks += [(f"{where}: {name}", check_broken_frame, (where, raw))
                   for where in ("broker", "namesrv") for name, raw in BROKEN_FRAMES]
        checks += [(story.__name__.replace("_", " "), story, ()) for story in STORIES]
        for name, check, details in checks:
            try:
                check(bench, *details)
                tally.record(name)
            except (Wrong, OSError) as error:
                tally.record(name, f"{type(error).__name__}: {error}")
        if tally.failed:
            deployment.keep_logs()
    for complaint in deployment.complaints:
        tally.record("clean stop", complaint)
    return tally.close()


if __name__ == "__main__":
    sys.exit(run_to_closing_line(main))
