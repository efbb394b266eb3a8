# SPDX-License-Identifier: Apache-2.0
"""Servers under test, one at a time: ours, Apache RocketMQ and Apache Kafka, on the same disk, and mqbench against them."""
import contextlib
import json
import os
import subprocess
import sys

from performance import leftovers
from performance.settings import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "compat"))
from harness import servers  # noqa: E402  (needs the path above)

# Sizes of the store as both brokers have them by default: the harness makes them small for its own tests.
STORE_SETTINGS = {
    "mappedFileSizeCommitLog": str(1 << 30),
    "mappedFileSizeConsumeQueue": str(300000 * 20),
    "maxHashSlotNum": "5000000",
    "maxIndexNum": "20000000",
}
HEAP = "-Xmx4g"


class TunedJava(servers.Java):
    """The Java servers as one would run them: a heap of 4 GB, G1 and the full compiler, where the tests want a quick start."""

    def _jvm(self, home):
        slow = ("-Xms", "-Xmx", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel")
        kept = [flag for flag in super()._jvm(home) if not flag.startswith(slow)]
        return [kept[0], "-Xms1g", HEAP, "-XX:+UseG1GC", *kept[1:]]


def flavours(settings):
    return [servers.Skylark(settings.bin_dir), TunedJava(settings.build_dir)]


class Target:
    """A broker that runs, with what mqbench needs to load it."""

    def __init__(self, settings, flavour, deployment):
        self.settings = settings
        self.name = flavour.name
        self.address = deployment.broker.address
        self.name_server = deployment.name_server.address
        self.pid = deployment.broker.process.pid

    def bench(self, label, load, *flags, seconds=None, warm_up=None, topic=None):
        """What mqbench measured, or {"error": why it could not."""
        return mqbench(self.settings, f"{self.name:8} {label}", load, "-b", self.address, "--topic", topic or f"Bench_{label}", "--broker-pid",
                       str(self.pid), *flags, seconds=seconds, warm_up=warm_up)

    def warm_up_jvm(self):
        """Loads a Java broker in all the ways that it will be measured, until its compiler has mostly finished."""
        if self.name != "java":
            return
        for share, load, flags in ((0.4, "produce", ["--codec", "json"]), (0.2, "produce", ["--codec", "rocketmq"]), (0.2, "pull", ["--in-flight", "4"]),
                                   (0.2, "latency", [])):
            self.bench(f"warm_{load}", load, *flags, seconds=max(0.1, self.settings.jvm_warm_up * share), warm_up=0, topic="WarmUp")


@contextlib.contextmanager
def running(settings, flavour, broker_settings=None):
    """A broker of that flavour on a fresh store, warm when it is a JVM."""
    settings.fill_page_cache()
    with servers.Deployment(flavour, {**STORE_SETTINGS, **(broker_settings or {})}) as deployment:
        target = Target(settings, flavour, deployment)
        target.warm_up_jvm()
        yield target
        put_queues_aside(deployment)


def put_queues_aside(deployment):
    """Ends the broker. Its queues stay until the section has ended, the rest goes with the deployment."""
    deployment.broker.kill()
    leftovers.put_aside(os.path.join(deployment.broker.store_folder, "consumequeue"))


def mqbench(settings, label, load, *flags, seconds=None, warm_up=None):
    """Runs one load. Returns its report, or {"error": text}: what one server cannot do must not end the run."""
    command = [os.path.join(settings.bin_dir, "mqbench"), load, *flags, "--seconds", str(seconds or settings.seconds), "--quiet", "-o", "json"]
    if warm_up is not None or load != "delay":
        command += ["--warm-up", str(settings.warm_up if warm_up is None else warm_up)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
        result = json.loads(done.stdout)
    except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
        print(f"  {label:34} FAILED: {error}", flush=True)
        return {"error": str(error)}
    if settings.verbose:
        cost = result.get("broker", {}).get("cpuUs", 0)
        print(f"  {label:34} {result['rate']:>9.0f}/s  CPU {cost:9.3f} us  p50 {result['latencyUs']['p50']:9.1f}  "
              f"p99 {result['latencyUs']['p99']:9.1f} us", flush=True)
    return result


def memory(pid):
    """Bytes of anonymous memory and of mapped files that a process holds."""
    values = {}
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("RssAnon", "RssFile", "RssShmem"):
                values[name] = int(rest.split()[0]) * 1024
    return {"anonymousBytes": values["RssAnon"], "fileBytes": values["RssFile"] + values["RssShmem"]}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
