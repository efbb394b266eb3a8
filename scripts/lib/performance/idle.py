# SPDX-License-Identifier: Apache-2.0
"""What a broker costs without load: memory when idle, for each queue and each connection, and the time that a start takes."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from performance import targets
from performance.sections import for_brokers, measure_rounds
from performance.settings import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import wire  # noqa: E402  (needs the path above)
from harness import servers  # noqa: E402  (targets has set its path)

GET_MAX_OFFSET = 30
IDLE_CONNECTIONS = 5000
IDLE_QUEUES = 20_000
SETTLE_SECONDS = 2  # Between two looks: what a load leaves behind is written and freed meanwhile.
SETTLE_LOOKS = 5


def settled_memory(pid):
    """Memory once it has stopped changing, or after 10 s."""
    before = targets.memory(pid)
    for _ in range(SETTLE_LOOKS):
        time.sleep(SETTLE_SECONDS)
        after = targets.memory(pid)
        if abs(after["anonymousBytes"] - before["anonymousBytes"]) < max(65_536, before["anonymousBytes"] // 500):
            return after
        before = after
    return before


def open_connections(address, count):
    """Connections that have each sent one request and seen its answer, as a client's that now waits."""
    host, port = address.split(":")
    request = wire.frame(GET_MAX_OFFSET, {"topic": "SELF_TEST_TOPIC", "queueId": 0})
    opened = []
    for _ in range(count):
        connection = socket.create_connection((host, int(port)), timeout=60)
        connection.sendall(request)
        size = int.from_bytes(receive(connection, 4), "big")
        receive(connection, size)
        opened.append(connection)
    return opened


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise RuntimeError("the broker closed a connection")
        data += piece
    return data


def memory_of(settings, flavour):
    """Idle, for each queue that holds a message, and for each idle connection."""
    with servers.Deployment(flavour, targets.STORE_SETTINGS) as deployment:
        target = targets.Target(settings, flavour, deployment)
        idle = settled_memory(target.pid)
        opened = open_connections(target.address, IDLE_CONNECTIONS)
        connected = settled_memory(target.pid)
        for connection in opened:
            connection.close()
        result = {"idle": idle, "perConnectionBytes": (connected["anonymousBytes"] - idle["anonymousBytes"]) / IDLE_CONNECTIONS}
        if flavour.name == "skylark":  # A heap that grows as it likes says nothing about a queue.
            first = target.bench("one_queue", "produce", "--queues", "1", "--count", str(IDLE_QUEUES), warm_up=0)
            base = settled_memory(target.pid)
            filled = target.bench("many_queues", "produce", "--queues", str(IDLE_QUEUES), "--count", str(2 * IDLE_QUEUES), warm_up=0)
            if "error" not in first and "error" not in filled:
                after = settled_memory(target.pid)
                result["perQueueBytes"] = (after["anonymousBytes"] - base["anonymousBytes"]) / IDLE_QUEUES
        targets.put_queues_aside(deployment)
        return result


class Restarted:
    """A broker started again and again on the folder of a deployment that has ended its own process."""

    def __init__(self, flavour, broker, name_server):
        home = os.path.dirname(broker.store_folder)
        self._command = flavour.broker_command(os.path.join(home, "broker.conf"), name_server.address, home)
        self._environment = dict(os.environ, HOME=home, ROCKETMQ_HOME=home)
        self._home = home
        self._address = broker.address
        self._process = None

    def start(self):
        """Milliseconds from the start of the process to its first answer."""
        host, port = self._address.split(":")
        request = wire.frame(GET_MAX_OFFSET, {"topic": "SELF_TEST_TOPIC", "queueId": 0})
        begin = time.monotonic()
        with open(os.path.join(self._home, "restart.log"), "wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment, cwd=self._home, start_new_session=True)
        while time.monotonic() < begin + 300:
            if self._process.poll() is not None:
                raise RuntimeError(f"the broker ended with {self._process.returncode} at its start")
            try:
                with socket.create_connection((host, int(port)), timeout=60) as connection:
                    connection.sendall(request)
                    receive(connection, 4)
                    return (time.monotonic() - begin) * 1e3
            except OSError:
                time.sleep(0.0005)
        raise RuntimeError("no answer within 300 s")

    def stop(self):
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(120)


def start_of(settings, flavour):
    """Milliseconds of starts on an empty store, and on one that was filled and stopped cleanly."""
    with servers.Deployment(flavour, targets.STORE_SETTINGS) as deployment:
        target = targets.Target(settings, flavour, deployment)
        result = {}
        if flavour.name == "skylark":
            room = shutil.disk_usage(tempfile.gettempdir()).free / 1e9 - 10
            gigabytes = min(settings.store_gb, room)
            filled = target.bench("fill", "produce", "--connections", "8", "--in-flight", "8", "--size", "16384", "--count",
                                  str(max(1, int(gigabytes * 1e9 / 16_500))), warm_up=0)
            result["storeGb"] = round(gigabytes, 1) if "error" not in filled else 0
        deployment.broker.stop()
        broker = Restarted(flavour, deployment.broker, deployment.name_server)
        if result.get("storeGb"):
            result["filledMs"] = broker.start()
            broker.stop()
        shutil.rmtree(deployment.broker.store_folder)
        result["emptyMs"] = broker.start()
        broker.stop()
        return result


def idle(settings, _only=()):
    rounds = min(settings.sweep_rounds, 3)
    measure_rounds(settings, "idle", rounds, for_brokers(settings, lambda flavour, _round: {**memory_of(settings, flavour), **start_of(settings, flavour)}),
                   connections=IDLE_CONNECTIONS, queues=IDLE_QUEUES)
