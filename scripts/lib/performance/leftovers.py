# SPDX-License-Identifier: Apache-2.0
"""What servers leave behind with tens of thousands of files. It is removed when a section has ended: for minutes after many files were
removed ext4 looks at each of their inodes before it makes another file, and the next server would pay for the one before."""
import concurrent.futures
import glob
import os
import shutil
import tempfile

LARGE_BYTES = 1_000_000

_folders = []


def put_aside(folder):
    """Takes a folder of the temporary one out of a server's way. Large files in it are emptied at once: the disk is not endless."""
    if not os.path.isdir(folder):
        return
    aside = tempfile.mkdtemp(prefix="skylark-bench-leftovers-")
    os.rename(folder, os.path.join(aside, "files"))
    _folders.append(aside)
    for path, _, names in os.walk(aside):
        for name in names:
            file = os.path.join(path, name)
            if os.stat(file).st_blocks * 512 > LARGE_BYTES:
                os.truncate(file, 0)


def remove():
    """Removes what was put aside, with many threads: small files wait for the disk."""
    parts = [part for aside in _folders for part in glob.glob(os.path.join(aside, "files", "*", "*"))]
    with concurrent.futures.ThreadPoolExecutor(max_workers=32) as pool:
        list(pool.map(lambda part: shutil.rmtree(part, ignore_errors=True), parts))
    for aside in _folders:
        shutil.rmtree(aside, ignore_errors=True)
    _folders.clear()
