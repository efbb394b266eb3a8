# SPDX-License-Identifier: Apache-2.0
"""Instructions and heap allocations per request, counted, never timed, against budgets.json beside this file.

    run.py --bin-dir build/release/bin            compares; exit code 1 when a budget is exceeded
    run.py --bin-dir build/release/bin --record   writes the budgets anew from what it measures
    run.py --bin-dir build/release/bin --planted  takes the path made dearer on purpose for the real one: must fail
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
TIMES = 500
PATIENCE_SECONDS = 240
MARGIN = 0.08
MARGIN_OTHER_COMPILER = 0.30
PLANTED, PLANTED_FOR = "planted-send-json", "send-json"
UNITS = {"instructions": "instructions", "allocations": "heap allocations", "bytes": "bytes allocated"}


def measure(program):
    """Numbers per request: path → {instructions, allocations, bytes}, and the compiler's major version."""
    if not os.path.exists(program):
        raise RuntimeError(f"{program} is missing: cmake --build --preset release --target guard_bench")
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise RuntimeError("valgrind is missing: scripts/bootstrap --tests installs it")
    with tempfile.TemporaryDirectory(prefix="skylark-guard-") as folder:
        out = os.path.join(folder, "counts")
        command = [valgrind, "--tool=callgrind", "--toggle-collect=guard_measured", "--dump-after=guard_measured",
                   f"--callgrind-out-file={out}", program, str(TIMES)]
        # The same code on every processor: glibc picks its copy and compare functions by what the processor has.
        environment = dict(os.environ, GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX512F,-AVX2_Usable,-AVX2,-AVX_Fast_Unaligned_Load,-ERMS", LC_ALL="C")
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=environment, cwd=folder)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"guard_bench did not end within {PATIENCE_SECONDS} s under callgrind") from None
        if ran.returncode != 0:
            raise RuntimeError(f"guard_bench ended with {ran.returncode} under callgrind:\n{ran.stderr[-3000:]}")
        rows = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        found = {}
        for number, row in enumerate(rows, 1):  # One dump for each path, in the order of the lines.
            with open(f"{out}.{number}", encoding="utf-8", errors="replace") as dump:
                counted = re.search(r"^summary: (\d+)", dump.read(), re.MULTILINE)
            if counted is None or int(counted.group(1)) == 0:
                raise RuntimeError(f"callgrind counted nothing for {row['path']}")
            found[row["path"]] = {"instructions": round(int(counted.group(1)) / TIMES),
                                  "allocations": round(row["allocations"] / TIMES, 2), "bytes": round(row["bytes"] / TIMES)}
        return found, rows[0]["compiler"] if rows else 0


def judge(path, what, measured, budget, margin):
    """One line, and whether it is good."""
    limit = budget * (1 + margin)
    place = f"{path}: {measured} {UNITS[what]} a request, budget {budget} + {margin:.0%}"
    if measured > limit:
        return f"FAILED {place}: {measured / max(budget, 1) - 1:+.1%}", False
    if measured < budget * (1 - margin):
        return f"ok     {place}: {measured / budget - 1:+.1%}, far below: to keep the gain, record it (--record) and commit budgets.json", True
    return f"ok     {place}", True


def compare(found, compiler, recorded):
    """Compares every recorded number. Numbers of passed and failed ones."""
    margin = recorded["margin"] if compiler == recorded["compiler"] else recorded["margin_other_compiler"]
    if compiler != recorded["compiler"]:
        print(f"compiler {compiler}, budgets are of {recorded['compiler']}: the margin is {margin:.0%}")
    passed = failed = 0
    if set(recorded["paths"]) != set(found) - {PLANTED}:
        print(f"FAILED budgets are of {sorted(recorded['paths'])}, measured are {sorted(set(found) - {PLANTED})}: run with --record")
        failed += 1
    for path, budgets in recorded["paths"].items():
        for what, budget in budgets.items():
            if path not in found:
                continue
            line, good = judge(path, what, found[path][what], budget, margin)
            print(line)
            passed, failed = passed + good, failed + (not good)
    if failed:
        print("A request costs more than its budget. Find where (tests/bench/README.md says how) and take it out, or, when it is worth\n"
              "its price, record new budgets and say why in the commit:\n"
              "    python3 tests/bench/guard/run.py --bin-dir build/release/bin --record")
    return passed, failed


def planted_is_seen(found):
    """The path made dearer must break a budget set by the path itself, or the margin is too wide to guard anything."""
    blind = [what for what in UNITS if judge("", what, found[PLANTED][what], found[PLANTED_FOR][what], MARGIN)[1]]
    print(f"FAILED a send made dearer on purpose goes unseen in {blind}" if blind else "ok     a send made dearer on purpose is seen")
    return not blind


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/guard/run.py")
    parser.add_argument("--bin-dir", default=os.path.join(FOLDER, "..", "..", "..", "build", "release", "bin"))
    parser.add_argument("--budgets", default=os.path.join(FOLDER, "budgets.json"))
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    try:
        found, compiler = measure(os.path.abspath(os.path.join(options.bin_dir, "guard_bench")))
    except RuntimeError as why:
        print(f"FAILED {why}\n0 passed, 1 failed")
        return 1
    if options.record:
        paths = {path: numbers for path, numbers in found.items() if path != PLANTED}
        with open(options.budgets, "w", encoding="utf-8") as file:
            json.dump({"compiler": compiler, "margin": MARGIN, "margin_other_compiler": MARGIN_OTHER_COMPILER, "paths": paths}, file, indent=2)
            file.write("\n")
        print(f"{options.budgets}: {len(paths)} paths recorded")
        return 0
    seen = planted_is_seen(found)
    if options.planted:
        found[PLANTED_FOR] = found[PLANTED]
    with open(options.budgets, encoding="utf-8") as file:
        passed, failed = compare(found, compiler, json.load(file))
    passed, failed = passed + seen, failed + (not seen)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
