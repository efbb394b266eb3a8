# SPDX-License-Identifier: Apache-2.0
"""expect_report.py TEXT PROGRAM: passes when the program fails and its output holds the text."""
import subprocess
import sys

done = subprocess.run([sys.argv[2]], capture_output=True, text=True, timeout=120)
reported = done.returncode != 0 and sys.argv[1] in done.stderr + done.stdout
if not reported:
    print(f"no report of {sys.argv[1]!r}, exit code {done.returncode}")
print("1 passed, 0 failed" if reported else "0 passed, 1 failed")
sys.exit(0 if reported else 1)
