# SPDX-License-Identifier: Apache-2.0
"""Remoting frames with JSON headers over plain sockets: enough to ask a server questions no client library would."""

import itertools
import json
import socket
import struct

LANGUAGE = "JAVA"
VERSION = 479  # Ordinal of 5.3.3.
FLAG_ONE_WAY = 2

_opaque = itertools.count(1)


class Reply:
    def __init__(self, header, body):
        self.code = header["code"]
        self.remark = header.get("remark") or ""
        self.ext = header.get("extFields") or {}
        self.opaque = header.get("opaque")
        self.flag = header.get("flag", 0)
        self.body = body

    @property
    def is_response(self):
        return self.flag & 1 == 1


def encode(code, ext=None, body=b"", flag=0, opaque=None):
    """One whole frame. Returns (opaque, bytes)."""
    number = next(_opaque) if opaque is None else opaque
    header = {"code": code, "language": LANGUAGE, "version": VERSION, "opaque": number, "flag": flag,
              "serializeTypeCurrentRPC": "JSON", "extFields": ext or {}}
    return number, frame(json.dumps(header, separators=(",", ":")).encode(), body)


def frame(header, body=b"", codec=0):
    """Length, codec byte, header length, header, body: as on the wire, whatever the header bytes are."""
    return struct.pack(">iI", 4 + len(header) + len(body), codec << 24 | len(header)) + header + body


class Connection:
    """A blocking connection. Errors: OSError from the socket; ConnectionError when the peer closed; TimeoutError."""

    def __init__(self, host, port, timeout_s=30):
        self._socket = socket.create_connection((host, port), timeout_s)

    @property
    def local_address(self):
        return "%s:%d" % self._socket.getsockname()

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, raw):
        self._socket.sendall(raw)

    def half_close(self):
        self._socket.shutdown(socket.SHUT_WR)

    def call(self, code, ext=None, body=b""):
        opaque, raw = encode(code, ext, body)
        self.send(raw)
        return self.response_to(opaque)

    def response_to(self, opaque):
        """The next response with this number; requests of the server and other responses are passed over."""
        while True:
            reply = self.read()
            if reply.is_response and reply.opaque == opaque:
                return reply

    def read(self):
        """The next frame of the server."""
        (length,) = struct.unpack(">i", self._read_exactly(4))
        content = self._read_exactly(length)
        (word,) = struct.unpack(">I", content[:4])
        header_size = word & 0xFFFFFF
        return Reply(json.loads(content[4:4 + header_size]), content[4 + header_size:])

    def wait_closed(self, timeout_s=60):
        """True when the peer ends the connection (orderly or by reset) within the time."""
        self._socket.settimeout(timeout_s)
        try:
            while self._socket.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def _read_exactly(self, size):
        parts = []
        while size > 0:
            part = self._socket.recv(min(size, 1 << 20))
            if not part:
                raise ConnectionError("connection closed by the server")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def call(address, code, ext=None, body=b"", timeout_s=30):
    """One request on a connection of its own; `address` is `host:port`."""
    host, port = address.rsplit(":", 1)
    with Connection(host, int(port), timeout_s) as connection:
        return connection.call(code, ext, body)
