#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the Java name server a fixed row of requests and writes what it answered: answers.jsonl beside this file.

    tests/compat/warm.sh && tests/golden/nameserver/record.py [--build-dir build/compat]

Left out, since we differ on purpose: requests without required fields (Java's answer is a stack trace, or success for nothing),
and the cluster after a refused single topic (Java keeps an empty broker group).
"""
import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TESTS, "compat"), os.path.join(TESTS, "support")]
from harness import frames, servers, toolbox  # noqa: E402

PUT_KV, GET_KV, DELETE_KV, REGISTER, UNREGISTER, ROUTE, CLUSTER = 100, 101, 102, 103, 104, 105, 106
WIPE, ALL_TOPICS, DELETE_TOPIC, REGISTER_TOPIC, LIST_KV, CLUSTER_TOPICS = 205, 206, 216, 217, 219, 224
SYSTEM_TOPICS, UNIT, UNIT_SUB, UNIT_SUB_ONLY, UPDATE_CONFIG, DATA_VERSION, ADD_WRITE = 304, 311, 312, 313, 318, 322, 327
MEMBER_GROUP, HEARTBEAT = 901, 904

TOPICS = (("T", 8, 0), ("U", 4, 1), ("V", 2, 2), ("W", 2, 3))  # Name, queues, flags.
BROKER = {"brokerName": "a", "brokerAddr": "10.0.0.1:10911", "clusterName": "c", "brokerId": "0"}


def version(counter):
    return {"counter": counter, "stateVersion": 0, "timestamp": 1700000000000}


def register(address, broker_id, topics, counter, **more):
    table = {name: {"attributes": {}, "order": False, "perm": 6, "readQueueNums": queues, "topicFilterType": "SINGLE_TAG",
                    "topicName": name, "topicSysFlag": flags, "writeQueueNums": queues} for name, queues, flags in topics}
    wrapper = {"dataVersion": version(counter), "mappingDataVersion": version(counter), "topicConfigTable": table,
               "topicQueueMappingDetailMap": {}, "topicQueueMappingInfoMap": {}}
    ext = {**BROKER, "brokerAddr": address, "brokerId": str(broker_id), "haServerAddr": address + "9", "compressed": "false", "bodyCrc32": "0"}
    return REGISTER, {**ext, **more}, json.dumps({"filterServerList": [], "topicConfigSerializeWrapper": wrapper})


def steps():
    master, replica = "10.0.0.1:10911", "10.0.0.2:10911"
    route = ROUTE, {"topic": "T"}
    yield from ((CLUSTER, {}), (ALL_TOPICS, {}), (SYSTEM_TOPICS, {}), route, (ROUTE, {}), (999, {}))
    yield DATA_VERSION, BROKER, json.dumps(version(1))
    yield register(master, 0, TOPICS[:1], 1)  # Refused: a single topic of a broker that is not known.
    yield register(master, 0, TOPICS, 1)
    yield from ((CLUSTER, {}), (ALL_TOPICS, {}), (SYSTEM_TOPICS, {}), route, (ROUTE, {"topic": "T", "acceptStandardJsonOnly": "true"}))
    yield register(replica, 1, TOPICS, 1)
    yield from (route, (MEMBER_GROUP, {"clusterName": "c", "brokerName": "a"}), (MEMBER_GROUP, {"clusterName": "c", "brokerName": "x"}))
    yield register("10.0.0.3:10911", 2, TOPICS, 1, enableActingMaster="true")
    yield register(replica, 3, TOPICS, 1)  # The same address under another id.
    yield from (route, (DATA_VERSION, BROKER, json.dumps(version(1))), (DATA_VERSION, BROKER, json.dumps(version(2))))
    yield from ((UNIT, {}), (UNIT_SUB, {}), (UNIT_SUB_ONLY, {}), (CLUSTER_TOPICS, {"cluster": "c"}), (CLUSTER_TOPICS, {"cluster": "d"}))
    yield from ((WIPE, {"brokerName": "a"}), route, (ADD_WRITE, {"brokerName": "a"}), route, (WIPE, {"brokerName": "x"}))

    yield from ((PUT_KV, {"namespace": "n"}), (PUT_KV, {"namespace": "n", "key": "k", "value": "v"}))
    yield from ((GET_KV, {"namespace": "n", "key": "k"}), (GET_KV, {"namespace": "n", "key": "x"}), (GET_KV, {}))
    yield from ((LIST_KV, {"namespace": "n"}), (LIST_KV, {"namespace": "x"}), (DELETE_KV, {"namespace": "n", "key": "k"}))
    yield from ((LIST_KV, {"namespace": "n"}), (GET_KV, {"namespace": "n", "key": "k"}))
    yield PUT_KV, {"namespace": "ORDER_TOPIC_CONFIG", "key": "T", "value": "a:8"}
    yield register(master, 0, TOPICS, 1)
    yield from (route, (UPDATE_CONFIG, {}, "orderMessageEnable=true\n"), route, (ROUTE, {"topic": "U"}))
    yield from ((UPDATE_CONFIG, {}, "kvConfigPath=/x\n"), (UPDATE_CONFIG, {}, "nonsense=1\n"), (UPDATE_CONFIG, {}))
    yield from ((UPDATE_CONFIG, {}, "enableAllTopicList=false\nenableTopicList=false\n"), (ALL_TOPICS, {}), (CLUSTER_TOPICS, {"cluster": "c"}))
    yield from ((UNIT, {}), (SYSTEM_TOPICS, {}), (UPDATE_CONFIG, {}, "enableAllTopicList=true\nenableTopicList=true\n"))

    yield register(master, 0, (("T", 16, 0),), 2)
    yield from (route, (DELETE_TOPIC, {"topic": "T"}), route)
    yield from ((DELETE_TOPIC, {"topic": "U", "clusterName": "other"}), (ROUTE, {"topic": "U"}))
    yield from ((DELETE_TOPIC, {"topic": "U", "clusterName": "c"}), (ROUTE, {"topic": "U"}))
    queues = {"brokerName": "a", "perm": 6, "readQueueNums": 1, "topicSysFlag": 0, "writeQueueNums": 1}
    yield REGISTER_TOPIC, {"topic": "N"}, json.dumps({"brokerDatas": [], "queueDatas": [queues]})
    yield from ((ROUTE, {"topic": "N"}), (HEARTBEAT, {"clusterName": "c", "brokerName": "a", "brokerAddr": master}))
    yield REGISTER, {**BROKER, "haServerAddr": "x", "bodyCrc32": "5"}, "{}"
    yield REGISTER, {**BROKER, "brokerName": "b", "brokerAddr": "10.0.0.9:10911", "haServerAddr": "x"}
    yield CLUSTER, {}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skylark-record-") as folder:
        server = servers.NameServer(servers.Java(options.build_dir), folder).start()
        host, port = server.address.split(":")
        lines = []
        with frames.Connection(host, int(port)) as connection:
            for code, ext, *body in steps():
                text = body[0] if body else ""
                reply = connection.call(code, ext, text.encode())
                lines.append({"code": code, "ext": ext, "body": text,
                              "answer": {"code": reply.code, "remark": reply.remark, "ext": reply.ext, "body": reply.body.decode()}})
        server.release()
    with open(os.path.join(HERE, "answers.jsonl"), "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")
    print(f"{len(lines)} answers")


if __name__ == "__main__":
    main()
