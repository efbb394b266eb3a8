#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs commands of the official Java mqadmin against one kind of server and compares their columns with what was done.

    mqadmin.py --against skylark|java [--compare] [--bin-dir build/release/bin]

With --compare the same story is told to the Java servers too, and every output must be the same after addresses, times
and load figures were made equal. Exit codes of that tool prove nothing (they are always 0), so only text counts.
"""

import argparse
import calendar
import json
import os
import re
import sys
import time

from harness import frames, servers, toolbox
from harness.admin_shell import AdminShell
from harness.process import LOGGING_NOISE
from harness.verdicts import Tally, run_to_closing_line

TOPIC = "AdminTopic"
GROUP = "AdminGroup"
QUEUES = 4
HALF = 10  # Messages before and after the time to which the group is reset; message i goes to queue i % 4.

SEND_MESSAGE = 10
UPDATE_CONSUMER_OFFSET = 15
HEART_BEAT = 34

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?")


class Wrong(AssertionError):
    """An output does not say what it should."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", choices=("skylark", "java"), required=True)
    parser.add_argument("--compare", action="store_true", help="compare every output with the Java servers' one")
    parser.add_argument("--bin-dir", default=toolbox.DEFAULT_BIN_FOLDER, help="folder of our programs")
    parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER, help="where warm.sh builds the Java programs")
    arguments = parser.parse_args()

    tally = Tally()
    outputs = tell_story(arguments, arguments.against, tally)
    if arguments.compare:
        reference = tell_story(arguments, "java", None)
        for name, text in outputs.items():
            same = text == reference.get(name)
            tally.record(f"{name} as on the Java servers", None if same else difference(text, reference.get(name)))
    return tally.close()


def tell_story(arguments, against, tally):
    """Does the steps on fresh servers. Returns step → normalised output; failures go to the tally, or raise without one."""
    flavour = servers.flavour(against, arguments.bin_dir, arguments.build_dir)
    outputs = {}
    with servers.Deployment(flavour) as deployment:
        with AdminShell(arguments.build_dir, os.path.join(deployment.folder, "mqadmin"), deployment.name_server.address) as shell:
            story = Story(deployment, shell)
            for step in story.steps():
                failure = None
                text = ""
                try:
                    text = step()
                except (Wrong, OSError) as error:
                    failure = f"{error}\n{story.last_output}"
                    deployment.keep_logs()
                if tally:
                    tally.record(step.__name__, failure)
                elif failure:
                    raise SystemExit(f"{against}: {step.__name__}: {failure}")
                outputs[step.__name__] = normalise(text, deployment.broker.address)
    for complaint in deployment.complaints:
        if tally:
            tally.record("clean stop", complaint)
    return outputs


class Story:
    """The commands in order; each checks its output against what was done before and returns it."""

    def __init__(self, deployment, shell):
        self._broker = deployment.broker.address
        self._shell = shell
        self._offset_ids = []
        self._sent_ms = []  # Begin and end of sending, on this machine's clock.
        self._middle_ms = 0
        self.last_output = ""

    def steps(self):
        return [self.update_topic, self.update_sub_group, self.send_and_consume, self.cluster_list, self.topic_list,
                self.topic_route, self.topic_route_unknown, self.topic_status, self.query_msg_by_id, self.query_msg_by_key,
                self.consumer_progress, self.consumer_progress_all, self.reset_offset_by_time,
                self.consumer_progress_after_reset]

    def update_topic(self):
        text = self._run("updateTopic", "-b", self._broker, "-t", TOPIC, "-r", str(QUEUES), "-w", str(QUEUES), "-p", "6")
        expect(f"create topic to {self._broker} success." in text, "the success line")
        expect(f"TopicConfig [topicName={TOPIC}, readQueueNums=4, writeQueueNums=4, perm=RW-" in text, "the topic's settings")
        return text

    def update_sub_group(self):
        text = self._run("updateSubGroup", "-b", self._broker, "-g", GROUP, "-r", "5")
        expect(f"create subscription group to {self._broker} success." in text, "the success line")
        expect(f"groupName={GROUP}" in text and "retryMaxTimes=5" in text, "the group's settings")
        return text

    def send_and_consume(self):
        """Not a command: two halves of messages, a heartbeat of the group, and its offsets at 2 of 5 in each queue."""
        self._sent_ms = [now_ms()]
        for number in range(HALF):
            self._send(number)
        self._middle_ms = a_time_between()
        for number in range(HALF, 2 * HALF):
            self._send(number)
        self._sent_ms.append(now_ms())
        self._heartbeat()
        for queue in range(QUEUES):
            reply = frames.call(self._broker, UPDATE_CONSUMER_OFFSET, {
                "consumerGroup": GROUP, "topic": TOPIC, "queueId": str(queue), "commitOffset": "2"})
            expect_equal(0, reply.code, f"code of an offset update ({reply.remark})")
        return ""

    def cluster_list(self):
        text = self._run("clusterList")
        row = table(text)
        expect_equal(1, len(row), "brokers listed")
        for column, value in (("Cluster Name", servers.CLUSTER), ("Broker Name", servers.BROKER), ("BID", "0"),
                              ("Addr", self._broker), ("Version", "V5_3_3"), ("ACTIVATED", "true")):
            expect_equal(value, row[0].get(column), column)
        return text

    def topic_list(self):
        text = self._run("topicList")
        names = text.split()
        for name in (TOPIC, f"%RETRY%{GROUP}", servers.CLUSTER, servers.BROKER, "SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC"):
            expect(name in names, f"topic {name}")
        expect_equal(len(names), len(set(names)), "names listed once")
        return text

    def topic_route(self):
        text = self._run("topicRoute", "-t", TOPIC)
        route = json.loads(text.replace('{0:"', '{"0":"'))
        expect_equal([{"brokerName": servers.BROKER, "perm": 6, "readQueueNums": 4, "topicSysFlag": 0, "writeQueueNums": 4}],
                     route["queueDatas"], "queues")
        broker = route["brokerDatas"][0]
        expect_equal((1, servers.BROKER, servers.CLUSTER, {"0": self._broker}),
                     (len(route["brokerDatas"]), broker["brokerName"], broker["cluster"], broker["brokerAddrs"]), "broker")
        return text

    def topic_route_unknown(self):
        text = self._run("topicRoute", "-t", "NoSuchTopic")
        expect("CODE: 17  DESC: No topic route info in name server for the topic: NoSuchTopic" in text, "the refusal")
        return text

    def topic_status(self):
        text = self._run_until(
            lambda found: [row["Max Offset"] for row in table(found)] == ["5"] * QUEUES, "topicStatus", "-t", TOPIC)
        for queue, row in enumerate(table(text)):
            expect_equal((servers.BROKER, str(queue), "0", "5"),
                         (row["Broker Name"], row["QID"], row["Min Offset"], row["Max Offset"]), "row")
            self._expect_sent_time(row["Last Updated"])
        return text

    def query_msg_by_id(self):
        number = 6
        text = self._run("queryMsgById", "-t", TOPIC, "-i", self._offset_ids[number])
        fields = dict(re.findall(r"^([A-Z][A-Za-z ]+): +(.*)$", text, re.MULTILINE))
        for field, value in (
                ("OffsetID", self._offset_ids[number]), ("Topic", TOPIC), ("Tags", "[red]"), ("Keys", f"[order-{number}]"),
                ("Queue ID", str(number % QUEUES)), ("Queue Offset", str(number // QUEUES)), ("Reconsume Times", "0"),
                ("CommitLog Offset", str(int(self._offset_ids[number][16:], 16))), ("Store Host", self._broker),
                ("System Flag", "0")):
            expect_equal(value, fields.get(field), field)
        for item in (f"UNIQ_KEY={unique_key(number)}", "TAGS=red", f"KEYS=order-{number}", f"CLUSTER={servers.CLUSTER}"):
            expect(item in fields["Properties"], f"property {item}")
        with open(fields["Message Body Path"], encoding="utf-8") as file:
            expect_equal(f"body {number}", file.read(), "body in the file written")
        self._expect_sent_time(fields["Store Timestamp"])
        expect(f"MessageTrack [consumerGroup={GROUP}, trackType=NOT_ONLINE" in text, "the track of the group")
        return text.split("MessageTrack")[0]

    def query_msg_by_key(self):
        text = self._run_until(table, "queryMsgByKey", "-t", TOPIC, "-k", "order-13")
        expect_equal([{"Message ID": unique_key(13), "QID": "1", "Offset": "3"}], table(text), "messages found")
        return text

    def consumer_progress(self):
        text = self._run("consumerProgress", "-g", GROUP)
        self._expect_progress(text, ["2"] * QUEUES)
        return text

    def consumer_progress_all(self):
        text = self._run("consumerProgress")
        row = [line.split() for line in text.splitlines() if line.startswith(GROUP)]
        expect_equal([[GROUP, "0", "OFFLINE", "0", "12"]], row, "row of the group")
        return text

    def reset_offset_by_time(self):
        text = self._run("resetOffsetByTime", "-g", GROUP, "-t", TOPIC, "-s", str(self._middle_ms))
        found = {(row["brokerName"], row["queueId"], row["offset"]) for row in table(text)}
        expect_equal({(servers.BROKER, str(queue), offset) for queue, offset in enumerate(self._first_half_ends())}, found, "rows")
        return text.replace(str(self._middle_ms), "MIDDLE")

    def consumer_progress_after_reset(self):
        text = self._run("consumerProgress", "-g", GROUP)
        self._expect_progress(text, self._first_half_ends())
        return text

    @staticmethod
    def _first_half_ends():
        return [str(len(range(queue, HALF, QUEUES))) for queue in range(QUEUES)]

    def _expect_progress(self, text, consumed):
        expect_equal([(TOPIC, servers.BROKER, str(queue), "5", offset, str(5 - int(offset)))
                      for queue, offset in enumerate(consumed)],
                     [(row["Topic"], row["Broker Name"], row["QID"], row["Broker Offset"], row["Consumer Offset"], row["Diff"])
                      for row in table(text)], "rows")
        for row in table(text):
            self._expect_sent_time(row["LastTime"])
        expect(f"Consume Diff Total: {sum(5 - int(offset) for offset in consumed)}" in text, "the total")

    def _expect_sent_time(self, text):
        expect(TIME.fullmatch(text), f"a time: {text}")
        seconds = calendar.timegm(time.strptime(text[:19], "%Y-%m-%d %H:%M:%S"))
        expect(self._sent_ms[0] // 1000 <= seconds <= self._sent_ms[1] // 1000, f"{text} lies within the time of sending")

    def _run(self, command, *arguments):
        self.last_output = self._shell.run(command, *arguments)
        # The logging library greets on standard output at the first command.
        kept = [line for line in self.last_output.splitlines() if not LOGGING_NOISE.match(line)]
        return "\n".join(kept).strip() + "\n"

    def _run_until(self, ready, *command, deadline_s=60):
        """Repeats a command whose answer follows the commit log with a delay; the last output, ready or not."""
        end = time.monotonic() + deadline_s
        text = self._run(*command)
        while not ready(text) and time.monotonic() < end:
            text = self._run(*command)
        return text

    def _send(self, number):
        properties = "\x02".join(f"{key}\x01{value}" for key, value in (
            ("KEYS", f"order-{number}"), ("TAGS", "red"), ("UNIQ_KEY", unique_key(number)))) + "\x02"
        reply = frames.call(self._broker, SEND_MESSAGE, {
            "producerGroup": "AdminProducer", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
            "queueId": str(number % QUEUES), "sysFlag": "0", "bornTimestamp": str(now_ms()), "flag": "0",
            "properties": properties, "reconsumeTimes": "0"}, f"body {number}".encode())
        expect_equal(0, reply.code, f"code of a send ({reply.remark})")
        expect_equal((str(number % QUEUES), str(number // QUEUES)), (reply.ext["queueId"], reply.ext["queueOffset"]), "place")
        self._offset_ids.append(reply.ext["msgId"])

    def _heartbeat(self):
        """Makes the broker know the group and its retry topic; the group is offline again when the connection closes."""
        subscription = {"topic": TOPIC, "subString": "*", "tagsSet": [], "codeSet": [], "subVersion": 1,
                        "expressionType": "TAG", "classFilterMode": False}
        consumer = {"groupName": GROUP, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
                    "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "unitMode": False, "subscriptionDataSet": [subscription]}
        body = {"clientID": "127.0.0.1@mqadmin", "producerDataSet": [], "consumerDataSet": [consumer]}
        reply = frames.call(self._broker, HEART_BEAT, {}, json.dumps(body).encode())
        expect_equal(0, reply.code, f"code of the heartbeat ({reply.remark})")


def table(text):
    """Rows of a printed table as dictionaries by column; the last column may hold spaces."""
    lines = text.splitlines()
    for begin, line in enumerate(lines):
        if line.startswith("#"):
            columns = [name.strip() for name in re.findall(r"#([^#]+)", line)]
            rows = []
            for row in lines[begin + 1:]:
                if not row.strip():
                    break
                rows.append(dict(zip(columns, row.replace(", ", ",").rstrip().split(None, len(columns) - 1))))
            return rows
    return []


def normalise(text, broker):
    """The text with everything that differs between two runs made equal, as a list of lines of words."""
    text = text.replace(broker, "BROKER")
    text = TIME.sub("TIME", text)
    text = re.sub(r"\b[0-9A-F]{16}[0-9A-F]{16}\b", "ID", text)
    text = re.sub(r"(CommitLog Offset|Topic Put TPS|Consume TPS): +\S+", r"\1: N", text)
    text = re.sub(r"(Born Host): +\S+", r"\1: HOST", text)
    text = re.sub(r"\S+\(\d+,\d+ms\S*\)", "LOAD", text)  # clusterList: rates and queue times.
    text = re.sub(r"\S+\([^()]*w, [^()]*\)( +\S+){3}", "TIMER PCWAIT HOUR SPACE", text)
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    is_unordered = all(len(line) in (1, 3) for line in lines[1:])  # topicList, resetOffsetByTime: in hash order.
    return sorted(lines) if is_unordered else lines


def difference(text, reference):
    missing = [" ".join(line) for line in reference or [] if line not in text]
    extra = [" ".join(line) for line in text if line not in (reference or [])]
    return f"only on the Java servers: {missing}; only here: {extra}"


def unique_key(number):
    return f"{number:032X}"


def now_ms():
    return int(time.time() * 1000)


def a_time_between():
    """A millisecond later than everything stored so far and earlier than everything stored from now on."""
    before = now_ms()
    while now_ms() <= before + 1:
        time.sleep(0.001)
    middle = now_ms()
    while now_ms() <= middle + 1:
        time.sleep(0.001)
    return middle


def expect(holds, what):
    if not holds:
        raise Wrong(f"not as expected: {what}")


def expect_equal(expected, actual, what):
    if expected != actual:
        raise Wrong(f"{what}: expected {expected!r} but got {actual!r}")


if __name__ == "__main__":
    sys.exit(run_to_closing_line(main))
