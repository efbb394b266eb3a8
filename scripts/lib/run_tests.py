# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of scripts/test: builds and tests side by side, counts every verdict, ends with "N passed, N failed".

A test program counts its own cases: the summary of Catch2, or a last line "N passed, N failed"; one that prints neither counts
as one. What fails is run once more alone, since two cores shared with compilers make deadlines run out; a pass then is counted
but listed at the end. A sanitizer's report is never tried again.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPORT = re.compile(r"(WARNING: ThreadSanitizer|ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|assertion failed:)")
CATCH_PASSED = re.compile(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)")
CATCH_MIXED = re.compile(r"test cases:\s*(\d+) \|\s*(?:(\d+) passed)?[ |]*(?:(\d+) failed)?")
PLAIN = re.compile(r"(\d+) passed, (\d+) failed")
TOTAL_SECONDS = 80 * 60
STARTED = time.monotonic()


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.passed = 0
        self.failures = []
        self.second_tries = []

    def add(self, passed, failures):
        with self.lock:
            self.passed += passed
            self.failures += failures


def say(line):
    print(f"[{int(time.monotonic() - STARTED):5d}s] {line}", flush=True)


def seconds_left():
    return max(1.0, TOTAL_SECONDS - (time.monotonic() - STARTED))


def run(command, log_path, timeout, env=None):
    """Runs a command in its own process group; its output goes to the log. Exit code, output."""
    os.makedirs(os.path.dirname(log_path), exist_ok=True)
    with open(log_path, "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                   start_new_session=True, env=env)
        try:
            code = process.wait(timeout=min(timeout, seconds_left()))
        except subprocess.TimeoutExpired:
            code = -1
        try:
            os.killpg(process.pid, signal.SIGKILL)  # What it left behind must not disturb the next one.
        except ProcessLookupError:
            pass
        process.wait()
    with open(log_path, "r", errors="replace") as log:
        output = log.read()
    if code == -1:
        output += "\n(timed out)\n"
    return code, output


def verdict(code, output):
    """Numbers of passed and failed cases."""
    plain = PLAIN.findall(output)
    if plain:
        passed, failed = map(int, plain[-1])
    else:
        whole = CATCH_PASSED.findall(output)
        mixed = CATCH_MIXED.findall(output)
        if whole:
            passed, failed = int(whole[-1]), 0
        elif mixed:
            passed, failed = int(mixed[-1][1] or 0), int(mixed[-1][2] or 0)
        else:
            passed, failed = (1, 0) if code == 0 else (0, 1)
    if code != 0 and failed == 0:
        failed = 1
    return passed, failed


def run_test(tally, name, command, timeout, env=None):
    log_path = os.path.join(ROOT, "build", "test-logs", name.replace("/", "_") + ".log")
    begun = time.monotonic()
    code, output = run(command, log_path, timeout, env)
    passed, failed = verdict(code, output)
    if failed and not REPORT.search(output):
        say(f"{name}: failed, once more. What it said last:")
        print("\n".join("    " + line for line in output.splitlines()[-60:]), flush=True)
        code, output = run(command, log_path, timeout, env)
        passed, failed = verdict(code, output)
        if not failed:
            with tally.lock:
                tally.second_tries.append(name)
    if failed:
        print("\n".join("    " + line for line in output.splitlines()[-120:]), flush=True)
    else:
        for line in output.splitlines():
            if line.startswith(("CASE ", "MATRIX ", "FRAMES ", "rounds=", "second try")):
                print("    " + line, flush=True)
    say(f"{name}: {passed} passed, {failed} failed ({time.monotonic() - begun:.0f} s)")
    tally.add(passed, [name] * failed)
    return not failed


def build(preset, targets=()):
    log_path = os.path.join(ROOT, "build", "test-logs", f"build-{preset}.log")
    begun = time.monotonic()
    for command in (["cmake", "--preset", preset],
                    ["cmake", "--build", "--preset", preset] + (["--target", *targets] if targets else [])):
        code, output = run(command, log_path, 3600)
        if code != 0:
            errors = [line for line in output.splitlines() if "error" in line or "FAILED" in line]
            print("\n".join("    " + line for line in (errors[:40] or output.splitlines()[-60:])), flush=True)
            say(f"build {preset}: failed")
            return False
    say(f"build {preset}: done ({time.monotonic() - begun:.0f} s)")
    return True


def programs(preset, labels):
    """Test programs of a build tree with one of these labels, as ctest knows them."""
    listed = subprocess.run(["ctest", "--preset", preset, "--show-only=json-v1"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for test in json.loads(listed.stdout)["tests"]:
        properties = {item["name"]: item["value"] for item in test.get("properties", [])}
        if set(properties.get("LABELS", [])) & set(labels):
            found.append((test["name"], test["command"], float(properties.get("TIMEOUT", 300))))
    return found


def run_programs(tally, preset, labels, env=None):
    """Two at a time; one tree after the other."""
    waiting = [(f"{preset}/{name}", command, timeout) for name, command, timeout in programs(preset, labels)]
    if not waiting:
        tally.add(0, [f"{preset}: no test program with label {labels}"])
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                name, command, timeout = waiting.pop(0)
            run_test(tally, name, command, timeout * 2, env)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def process_tests(against):
    """Tests that start real programs: name, command, seconds allowed."""
    python = [sys.executable]
    binaries = ["--bin-dir", os.path.join(ROOT, "build", "release", "bin")]
    target = ["--against", against] + (binaries if against == "skylark" else [])
    tests = []
    for client in ("java", "go", "cpp"):
        extra = binaries if client == "cpp" and against == "java" else []
        tests.append((f"compat-{client}", python + ["tests/compat/run.py", "--client", client] + target + extra, 900))
    tests.append(("compat-java-binary", python + ["tests/compat/run.py", "--client", "java", "--codec", "ROCKETMQ"] + target, 900))
    tests.append(("compat-mqadmin", python + ["tests/compat/mqadmin.py"] + target + (["--compare"] if against == "skylark" else []), 900))
    tests.append(("compat-badinput", python + ["tests/compat/badinput.py"] + target, 600))
    if against == "skylark":
        tests.append(("batch-topics", python + ["tests/compat/batchtopics.py"] + binaries, 600))
        tests.append(("handover", python + ["tests/compat/handover.py"] + binaries, 600))
        tests.append(("golden-takeover", python + ["tests/compat/golden_takeover.py"] + binaries, 600))
        tests.append(("mqstore", python + ["tests/compat/mqstore.py"] + binaries, 600))
        tests.append(("extensions", python + ["tests/compat/extensions.py"] + binaries, 600))
        tests.append(("lmq", python + ["tests/compat/lmq.py"] + binaries, 600))
        tests.append(("replication", python + ["tests/integration/replication/run.py"] + binaries, 900))
        tests.append(("replication-mixed", python + ["tests/integration/replication/mixed.py"] + binaries, 900))
        tests.append(("kill", python + ["tests/fault/kill/run.py", "--rounds", "20"] + binaries, 1500))
        tests.append(("damaged-files", python + ["tests/fault/damaged_files.py"] + binaries, 600))
        tests.append(("full-disk", python + ["tests/fault/full_disk.py"] + binaries, 900))
        tests.append(("quickstart", python + ["tests/integration/quickstart_test.py"] + binaries, 600))
        tests.append(("name-servers", python + ["tests/integration/name_servers_test.py"] + binaries, 600))
        tests.append(("wire", python + ["tests/integration/wire_test.py"] + binaries, 300))
        tests.append(("startup", python + ["tests/integration/startup_test.py"] + binaries, 300))
        tests.append(("bench-page", python + ["tests/bench/page_test.py"], 120))
        tests.append(("mqbench", python + ["tests/integration/mqbench_test.py"] + binaries, 300))
        tests.append(("guard", python + ["tests/bench/guard/run.py"] + binaries, 300))
    return tests


def main():
    parser = argparse.ArgumentParser(prog="scripts/test")
    parser.add_argument("--quick", action="store_true", help="release build, unit and integration tests alone")
    parser.add_argument("--against", choices=["skylark", "java"], default="skylark", help="which servers the compatibility suite runs on")
    options = parser.parse_args()
    tally = Tally()

    if not build("release"):
        tally.add(0, ["build release"])
    elif options.against == "java":
        for name, command, timeout in process_tests("java"):
            run_test(tally, name + "-on-java", command, timeout)
    elif options.quick:
        run_programs(tally, "release", ["tidy", "unit", "integration", "fault"])
    else:
        sanitized = {}

        def build_sanitized():
            for preset in ("asan", "tsan", "fuzz"):
                sanitized[preset] = build(preset)

        builder = threading.Thread(target=build_sanitized)
        run_programs(tally, "release", ["tidy", "unit", "integration", "fault"])
        builder.start()
        for name, command, timeout in process_tests("skylark"):
            run_test(tally, name, command, timeout)
        builder.join()
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1",
                           TSAN_OPTIONS="halt_on_error=0:exitcode=66")
        for preset, labels in (("asan", ["unit", "integration", "fault", "plant-asan"]), ("tsan", ["unit", "integration", "plant-tsan"]),
                               ("fuzz", ["fuzz"])):
            if sanitized.get(preset):
                run_programs(tally, preset, labels, environment)
            else:
                tally.add(0, [f"build {preset}"])

    for name in tally.second_tries:
        say(f"passed at the second try only: {name}")
    for name in tally.failures:
        say(f"failed: {name}")
    print(f"{tally.passed} passed, {len(tally.failures)} failed", flush=True)
    return 1 if tally.failures or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
