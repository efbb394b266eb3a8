# SPDX-License-Identifier: Apache-2.0
"""A small client of the remoting protocol for tests: JSON headers over a plain socket, written from docs/format/remoting.md and
from nothing of ours, so that it disagrees when we are wrong."""
import json
import socket
import struct
import time


class Closed(Exception):
    """The peer ended the connection."""


class Answer:
    def __init__(self, header, body):
        self.code = header.get("code")
        self.opaque = header.get("opaque")
        self.remark = header.get("remark")
        self.flag = header.get("flag", 0)
        self.ext = header.get("extFields") or {}
        self.body = body

    def __repr__(self):
        return f"Answer(code={self.code}, remark={self.remark!r}, ext={self.ext}, body={len(self.body)} bytes)"


def frame(code, ext=None, body=b"", opaque=0, flag=0, version=479):
    header = json.dumps({"code": code, "language": "JAVA", "version": version, "opaque": opaque, "flag": flag,
                         "extFields": {name: str(value) for name, value in (ext or {}).items()},
                         "serializeTypeCurrentRPC": "JSON"}).encode()
    return struct.pack(">iI", 4 + len(header) + len(body), len(header)) + header + body


class Wire:
    """One connection. `call` sends a request and gives its answer; requests of the peer in between are kept in `pushed`."""

    def __init__(self, host, port, timeout=30):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.opaque = 0
        self.pushed = []
        self.waiting = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def read_exactly(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionError as error:
                raise Closed(str(error)) from error
            if not part:
                raise Closed(f"end of stream after {len(data)} of {size} bytes")
            data += part
        return data

    def read(self):
        size, kind_and_header = struct.unpack(">iI", self.read_exactly(8))
        header = self.read_exactly(kind_and_header & 0xFFFFFF)
        body = self.read_exactly(size - 4 - len(header))
        return Answer(json.loads(header), body)

    def send(self, code, ext=None, body=b"", flag=0):
        self.opaque += 1
        self.send_raw(frame(code, ext, body, self.opaque, flag))
        return self.opaque

    def wait(self, opaque):
        while opaque not in self.waiting:
            answer = self.read()
            if answer.flag & 1:
                self.waiting[answer.opaque] = answer
            else:
                self.pushed.append(answer)
        return self.waiting.pop(opaque)

    def call(self, code, ext=None, body=b""):
        return self.wait(self.send(code, ext, body))


def send_fields(topic, queue_id=0, properties="", group="TestProducer", batch=False):
    """Header of request 310."""
    return {"a": group, "b": topic, "c": "TBW102", "d": 4, "e": queue_id, "f": 0, "g": int(time.time() * 1000), "h": 0, "i": properties,
            "j": 0, "k": "false", "m": "true" if batch else "false"}


def pull_fields(topic, queue_id, offset, group="TestConsumer", count=32, suspend_ms=0):
    """Header of request 11 with its subscription; suspended by the broker when `suspend_ms` is not 0."""
    return {"consumerGroup": group, "topic": topic, "queueId": queue_id, "queueOffset": offset, "maxMsgNums": count,
            "sysFlag": 4 | (2 if suspend_ms else 0), "commitOffset": 0, "suspendTimeoutMillis": suspend_ms, "subscription": "*",
            "subVersion": 0, "expressionType": "TAG"}


class Record:
    def __init__(self, data):
        (self.size, self.magic, self.crc, self.queue_id, self.flag, self.queue_offset, self.physical_offset, self.sys_flag,
         self.born) = struct.unpack_from(">iiIiiqqiq", data)
        at = 48 + (20 if self.sys_flag & 0x10 else 8)
        self.store_time, = struct.unpack_from(">q", data, at)
        at += 8 + (20 if self.sys_flag & 0x20 else 8)
        self.reconsume_times, self.prepared_offset, length = struct.unpack_from(">iqi", data, at)
        at += 16
        self.body = data[at:at + length]
        at += length
        wide = self.magic == -626843477  # Record version 2 counts the topic's bytes in two.
        length = int.from_bytes(data[at:at + 2], "big") if wide else data[at]
        at += 2 if wide else 1
        self.topic = data[at:at + length].decode()
        at += length
        length, = struct.unpack_from(">h", data, at)
        pieces = data[at + 2:at + 2 + length].decode().split("\x02")
        self.properties = dict(piece.split("\x01", 1) for piece in pieces if "\x01" in piece)


def records(body):
    found = []
    while body:
        record = Record(body)
        found.append(record)
        body = body[record.size:]
    return found
