# SPDX-License-Identifier: Apache-2.0
"""Crash test with real processes: a producer logs what was acknowledged, the broker is killed with -9 at a seeded random moment,
many rounds on one store; then a reader checks every acknowledged message and that offsets have no gap.

Prints `rounds=N acked=N lost=0 gaps=0` and, last, `N passed, N failed`. With --plant a slice of the newest log file is destroyed
before the last start: the check must notice, which the test itself asks for at the end.
"""
import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
import ports  # noqa: E402
import programs  # noqa: E402

CONFIG = """brokerName=broker-a
brokerIP1=127.0.0.1
listenPort={port}
storePathRootDir={store}
logDir={logs}
mappedFileSizeCommitLog=1048576
mappedFileSizeConsumeQueue=20000
flushDiskType={flush}
autoCreateTopicEnable=true
"""


class Servers:
    def __init__(self, options, work):
        self.bin = options.bin_dir
        self.work = work
        self.namesrv_port = ports.claim_plain().number
        self.broker_port = ports.claim_broker().listen
        self.processes = []
        os.makedirs(os.path.join(work, "logs"), exist_ok=True)
        with open(os.path.join(work, "namesrv.conf"), "w") as file:
            file.write(f"listenPort={self.namesrv_port}\nlogDir={work}/logs\n")
        with open(os.path.join(work, "broker.conf"), "w") as file:
            file.write(CONFIG.format(port=self.broker_port, store=os.path.join(work, "store"), logs=os.path.join(work, "logs"),
                                     flush=options.flush))
        self.namesrv = self.start("namesrv", [os.path.join(self.bin, "mqnamesrv"), "-c", os.path.join(work, "namesrv.conf")])
        self.broker = None

    def start(self, name, command):
        process, _ = programs.start(command, os.path.join(self.work, name + ".out"))
        self.processes.append(process)
        return process

    def start_broker(self):
        self.broker = self.start("broker", [os.path.join(self.bin, "mqbroker"), "-c", os.path.join(self.work, "broker.conf"), "-n",
                                            f"127.0.0.1:{self.namesrv_port}"])

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


def count_lines(path):
    try:
        with open(path, "rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return 0


def verify(options, servers, acks):
    """Result of the reader: acknowledged, lost, gaps."""
    done = subprocess.run([os.path.join(options.bin_dir, "skylark_ack_log"), "verify", "--namesrv", f"127.0.0.1:{servers.namesrv_port}",
                           "--topic", "KillTest", "--file", acks], capture_output=True, text=True, timeout=600)
    found = re.search(r"acked=(\d+) lost=(\d+) gaps=(\d+)", done.stdout)
    if not found:
        raise RuntimeError(f"the reader said: {done.stdout[-2000:]} {done.stderr[-2000:]} (exit code {done.returncode})")
    return tuple(map(int, found.groups()))


def one_round(options, servers, acks, chance):
    """Produces until the broker is killed; number of new acknowledgements."""
    before = count_lines(acks)
    producer = subprocess.Popen([os.path.join(options.bin_dir, "skylark_ack_log"), "produce", "--namesrv",
                                 f"127.0.0.1:{servers.namesrv_port}", "--topic", "KillTest", "--file", acks], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wanted = options.acks + chance.randrange(options.acks // 4 + 1)
    deadline = time.monotonic() + 240
    while count_lines(acks) - before < wanted:
        if producer.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the producer stopped at {count_lines(acks) - before} of {wanted}: {producer.stdout.read()[-2000:]}"
                               if producer.poll() is not None else f"only {count_lines(acks) - before} acknowledgements in time")
        time.sleep(0.005)
    time.sleep(chance.random() * 0.05)
    servers.broker.send_signal(signal.SIGKILL)
    servers.broker.wait()
    try:
        producer.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        producer.kill()
        producer.communicate()
    return count_lines(acks) - before


def destroy_newest_bytes(store):
    """What a broker would leave behind that acknowledged before writing: the end of the log is not there. At least half a file
    goes, far more than the sends that were on their way without an acknowledgement."""
    folder = os.path.join(store, "commitlog")
    destroyed = 0
    for name in sorted(os.listdir(folder), reverse=True):
        path = os.path.join(folder, name)
        with open(path, "r+b") as file:
            content = file.read()
            used = len(content.rstrip(b"\0"))
            take = min(used, 524288)
            file.seek(used - take)
            file.write(b"\0" * take)
        destroyed += take
        if destroyed >= 524288:
            return
    raise RuntimeError("no log file to plant the fault in")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--acks", type=int, default=5000)
    parser.add_argument("--flush", default="ASYNC_FLUSH")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SKYLARK_SEED", "0")) or random.SystemRandom().randrange(1 << 30))
    options = parser.parse_args()
    options.bin_dir = os.path.abspath(options.bin_dir)
    print(f"seed={options.seed}", flush=True)
    chance = random.Random(options.seed)
    work = tempfile.mkdtemp(prefix="skylark-kill-")
    acks = os.path.join(work, "acks.log")
    servers = Servers(options, work)
    failed = 0
    try:
        for number in range(options.rounds):
            servers.start_broker()
            new = one_round(options, servers, acks, chance)
            print(f"round {number + 1}: {new} acknowledged, killed", flush=True)
        servers.start_broker()
        acked, lost, gaps = verify(options, servers, acks)
        print(f"rounds={options.rounds} acked={acked} lost={lost} gaps={gaps}", flush=True)
        failed += lost != 0 or gaps != 0 or acked < options.rounds * options.acks
        # The check itself is checked: without the end of the log it must report losses.
        servers.broker.send_signal(signal.SIGKILL)
        servers.broker.wait()
        destroy_newest_bytes(os.path.join(work, "store"))
        servers.start_broker()
        planted = verify(options, servers, acks)
        print(f"planted: acked={planted[0]} lost={planted[1]} gaps={planted[2]}", flush=True)
        failed += planted[1] == 0
    except Exception as error:  # Reported with the broker's words, then counted.
        print(f"kill test: {error}", flush=True)
        failed += 1
    finally:
        servers.stop()
        if failed:
            for name in ("broker.out", "logs/broker.log"):
                path = os.path.join(work, name)
                if os.path.exists(path):
                    with open(path, "r", errors="replace") as file:
                        print(f"--- {name}\n" + file.read()[-4000:])
        shutil.rmtree(work, ignore_errors=True)
    print(f"{2 - min(failed, 2)} passed, {min(failed, 2)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
