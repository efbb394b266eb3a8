# SPDX-License-Identifier: Apache-2.0
"""Where the client programs are, and how they get built (by warm.sh, which does nothing when all is up to date)."""

import os
import subprocess

COMPAT_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE_ROOT = os.path.dirname(os.path.dirname(COMPAT_FOLDER))
DEFAULT_BUILD_FOLDER = os.path.join(SOURCE_ROOT, "build", "compat")
DEFAULT_BIN_FOLDER = os.path.join(SOURCE_ROOT, "build", "release", "bin")


def warm(build_folder, *parts):
    """Builds `parts` ("java", "go"). Errors: SystemExit when a tool is missing or a build fails; never a skip."""
    command = [os.path.join(COMPAT_FOLDER, "warm.sh"), build_folder, *parts]
    if subprocess.call(command) != 0:
        raise SystemExit(f"building the {' and '.join(parts)} client programs failed")


def java_classpath(build_folder):
    """Classpath of Apache RocketMQ (client, tools, broker, name server) with our own Java programs in front."""
    build_folder = os.path.abspath(build_folder)  # The programs run in folders of their own.
    warm(build_folder, "java")
    with open(os.path.join(build_folder, "java", "classpath.txt"), encoding="utf-8") as file:
        return os.path.join(build_folder, "java", "classes") + ":" + file.read().strip()


def java_program(build_folder, main_class, home, properties=()):
    """Command prefix that runs one of our Java programs; its logs and offset files go below `home`."""
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
            f"-Duser.home={home}", f"-Drocketmq.home.dir={home}", f"-Drocketmq.client.logRoot={home}/logs",
            f"-Drocketmq.client.localOffsetStoreDir={home}/offsets",
            *properties, "-cp", java_classpath(build_folder), main_class]


def go_program(build_folder):
    build_folder = os.path.abspath(build_folder)
    warm(build_folder, "go")
    return [os.path.join(build_folder, "go", "compat")]
