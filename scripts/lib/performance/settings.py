# SPDX-License-Identifier: Apache-2.0
"""How long and how often a run measures, where it finds programs, and what is known of the machine."""
import dataclasses
import datetime
import json
import os
import resource
import subprocess
import typing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


@dataclasses.dataclass
class Settings:
    rounds: int
    seconds: float      # Measured, for each load.
    warm_up: float      # Of each load, on every server.
    jvm_warm_up: float  # Of a fresh JVM, before its first load: it compiles while it is measured otherwise.
    sweep_rounds: int
    many: bool          # Whether Java too is measured with 50,000 queues and 10,000 topics, which takes it minutes to create.
    store_gb: float     # Size of the log that a start is timed on.
    bin_dir: str
    build_dir: str      # Of the compatibility suite: holds the Java classpath.
    out: str            # docs/, or another folder for the page and its data.
    verbose: bool = True
    fill_page_cache: typing.Callable[[], None] = lambda: None  # Called before each server.

    def raw(self, section):
        return os.path.join(self.out, "performance", f"{section}.json")


def full(**paths):
    return Settings(rounds=5, seconds=10, warm_up=3, jvm_warm_up=60, sweep_rounds=5, many=True, store_gb=20, **paths)


def quick(**paths):
    return Settings(rounds=3, seconds=1, warm_up=0.5, jvm_warm_up=5, sweep_rounds=1, many=False, store_gb=1, **paths)


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "unknown"
    text = (done.stdout + done.stderr).strip()
    return text.splitlines()[0] if text else "unknown"


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(file.readline().split()[1]) // (1 << 20)
    return {"cpu": model, "cores": os.cpu_count(), "memoryGiB": memory, "kernel": os.uname().release.split("-")[0],
            "java": first_line("java", "-version"), "compiler": first_line("g++", "--version"),
            "commit": first_line("git", "-C", ROOT, "rev-parse", "--short", "HEAD"),
            "loadAverageAtStart": os.getloadavg()[0]}


def facts(settings, rounds):
    return {"date": datetime.date.today().isoformat(), "rounds": rounds, "seconds": settings.seconds, "warmUp": settings.warm_up,
            "jvmWarmUp": settings.jvm_warm_up, "machine": machine()}


def save(settings, section, content):
    """Writes the raw data of a section."""
    content["loadAverageAtEnd"] = os.getloadavg()[0]
    path = settings.raw(section)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"written: {path}", flush=True)


def load(settings, section):
    """Raw data of a section, or None when it was never measured."""
    if not os.path.exists(settings.raw(section)):
        return None
    with open(settings.raw(section), encoding="utf-8") as file:
        return json.load(file)


def raise_descriptor_limit():
    """Servers and this program may open as many descriptors as the machine allows. Returns that number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
