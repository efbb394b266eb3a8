# SPDX-License-Identifier: Apache-2.0
"""Memory as a broker finds it that has run for some time: full of pages of files. On a fresh virtual machine each first touch of a page waits
for the host, 10 µs here, which is no cost of the program that touches it."""
import contextlib
import os
import tempfile

LEFT_BYTES = 1 << 28  # Stays unused.
STEP_BYTES = 1 << 22


def unused_bytes():
    with open("/proc/meminfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("MemFree:"):
                return int(line.split()[1]) * 1024
    return 0


def fill(path):
    """Reads a file without content, as large as memory, until there is little unused memory. Its pages are the first to go."""
    with open(path, "a+b", buffering=0) as file:
        file.truncate(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        file.seek(0)
        buffer = bytearray(STEP_BYTES)
        while unused_bytes() > LEFT_BYTES and file.readinto(buffer):
            pass


@contextlib.contextmanager
def kept():
    """A function that fills memory; call it before each server. What filled it goes at the end."""
    with tempfile.NamedTemporaryFile(prefix="skylark-bench-page-cache-") as file:
        yield lambda: fill(file.name)
