# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka for the scaling curves: one KRaft node from Maven Central, loaded by its own ProducerPerformance.

Its producer gathers records into batches where RocketMQ's sends each message by itself, so the height of its curve compares clients as
much as servers; what the curve shows is how the rate changes with the number of partitions and the size of messages.
"""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from performance import leftovers, targets
from performance.settings import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import ports  # noqa: E402  (needs the path above)
from harness.process import ManagedProcess  # noqa: E402  (targets has set its path)

VERSION = "4.1.1"
_POM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kafka", "pom.xml")
_RESULT = re.compile(r"(\d+) records sent, ([\d.]+) records/sec .*?, ([\d.]+) ms avg latency, .*?(\d+) ms 50th, .*?(\d+) ms 99th")


def classpath(build_folder):
    """Fetches Kafka once. Errors: RuntimeError when Maven cannot get it."""
    folder = os.path.join(os.path.abspath(build_folder), "kafka")
    path = os.path.join(folder, "classpath.txt")
    if not os.path.exists(path) or VERSION not in open(path, encoding="utf-8").read():
        os.makedirs(folder, exist_ok=True)
        shutil.copy(_POM, folder)  # Maven must not write a target folder into the source tree.
        command = ["mvn", "-B", "-q", "-ntp", "-f", os.path.join(folder, "pom.xml"),
                   "org.apache.maven.plugins:maven-dependency-plugin:3.3.0:build-classpath", f"-Dmdep.outputFile={path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            raise RuntimeError(f"Maven cannot get Kafka {VERSION}: {(done.stdout + done.stderr).strip()[-400:]}")
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


class Kafka:
    """`start()` formats a folder and returns once the broker answers; `stop()` ends it and removes the folder, but for its
    many files."""

    name = "kafka"

    def __init__(self, settings):
        self.settings = settings
        self._classpath = classpath(settings.build_dir)
        self._folder = tempfile.mkdtemp(prefix="skylark-bench-kafka-")
        self._claims = [ports.claim_plain(), ports.claim_plain()]
        self.address, self._controller = (f"127.0.0.1:{claim.number}" for claim in self._claims)
        self._process = None

    def start(self):
        config = os.path.join(self._folder, "server.properties")
        with open(config, "w", encoding="utf-8") as file:
            file.write("process.roles=broker,controller\nnode.id=1\n"
                       f"controller.quorum.voters=1@{self._controller}\ncontroller.listener.names=CONTROLLER\n"
                       f"listeners=PLAINTEXT://{self.address},CONTROLLER://{self._controller}\nadvertised.listeners=PLAINTEXT://{self.address}\n"
                       "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
                       f"log.dirs={self._folder}/logs\noffsets.topic.replication.factor=1\n")
        self._tool("kafka.tools.StorageTool", "format", "-t", "c2t5bGFyay1iZW5jaC0wMQ", "-c", config)
        self._process = ManagedProcess("kafka", ["java", "-Xms1g", targets.HEAP, "-XX:+UseG1GC", "-cp", self._classpath, "kafka.Kafka", config],
                                       os.path.join(self._folder, "stdout.log"), dict(os.environ), self._folder)
        self._process.wait_until(self._answers, "answer on its port", 120)
        return self

    def stop(self):
        if self._process:
            self._process.kill()
        for claim in self._claims:
            claim.release()
        leftovers.put_aside(os.path.join(self._folder, "logs"))
        shutil.rmtree(self._folder, ignore_errors=True)

    def produce(self, label, partitions, size_bytes, seconds, guess):
        """Sends for about that long with `guess` as the rate to expect. Returns rate, broker CPU a message and latency, or an error."""
        topic = re.sub(r"\W", "_", label)
        try:
            self._tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address, "--create", "--topic", topic,
                       "--partitions", str(partitions))
            before = targets.cpu_seconds(self._process.pid)
            out = self._tool("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", str(max(1000, int(guess * seconds))),
                             "--record-size", str(size_bytes), "--throughput", "-1", "--producer-props", f"bootstrap.servers={self.address}", "acks=1")
            found = _RESULT.findall(out)
            if not found:
                raise RuntimeError(f"no result: {out[-300:]}")
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"  {'kafka':8} {label:25} FAILED: {error}", flush=True)
            return {"error": str(error)}
        count, rate, mean, middle, high = (float(text) for text in found[-1])
        cost = (targets.cpu_seconds(self._process.pid) - before) * 1e6 / count
        print(f"  {'kafka':8} {label:25} {rate:>9.0f}/s  CPU {cost:9.3f} us", flush=True)
        return {"rate": rate, "messages": count, "broker": {"cpuUs": cost, **_rss(self._process.pid)},
                "latencyUs": {"mean": mean * 1e3, "p50": middle * 1e3, "p99": high * 1e3}}

    def _tool(self, main_class, *arguments):
        done = subprocess.run(["java", "-Xmx1g", "-cp", self._classpath, main_class, *arguments], capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{main_class}: {(done.stdout + done.stderr).strip()[-300:]}")
        return done.stdout + done.stderr

    def _answers(self):
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return False
        return True


def _rss(pid):
    held = targets.memory(pid)
    return {"rssAnonymousBytes": held["anonymousBytes"], "rssFileBytes": held["fileBytes"]}


@contextlib.contextmanager
def running(settings):
    settings.fill_page_cache()
    server = Kafka(settings)
    try:
        yield server.start()
    finally:
        server.stop()
