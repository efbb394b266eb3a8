# SPDX-License-Identifier: Apache-2.0
"""Two name servers at once, as real processes: the broker registers at both, a client lives through the loss of one, the one that comes
back learns everything again, and a broker that is killed is gone from both at once."""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "support"))
import ports  # noqa: E402
import wire  # noqa: E402
from cases import Case, Failure, check, run_cases  # noqa: E402

CLUSTER_INFO = 106


def brokers_known(port):
    """Broker name → addresses, as that name server tells."""
    with wire.Wire("127.0.0.1", port) as connection:
        table = json.loads(connection.call(CLUSTER_INFO).body.replace(b"{0:", b'{"0":'))["brokerAddrTable"]
    return {name: list(data["brokerAddrs"].values()) for name, data in table.items()}


def eventually(question, what, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if question():
            return
        time.sleep(0.05)
    raise Failure(f"{what}: not within {seconds} s")


def run_demo(case, name_servers):
    done = subprocess.run([os.path.join(case.bin, "skylark_demo"), "--namesrv", name_servers], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    check(done.returncode == 0 and "every step was verified" in done.stdout, f"the demo ends with {done.returncode}: {done.stdout} {done.stderr}")


def two_name_servers(case):
    first, second = (ports.claim_plain().number for _ in range(2))
    broker = ports.claim_broker().listen
    both = f"127.0.0.1:{first};127.0.0.1:{second}"
    first_process, _ = case.start("mqnamesrv", "-c", case.namesrv_conf(first))
    case.start("mqnamesrv", "-c", case.namesrv_conf(second))
    conf = case.broker_conf(broker, "registerNameServerPeriod=10000\ntransactionTimeOut=1000\ntransactionCheckInterval=1000\n")
    broker_process, _ = case.start("mqbroker", "-c", conf, "-n", both)
    known = {"broker-a": [f"127.0.0.1:{broker}"]}
    for port in (first, second):
        eventually(lambda port=port: brokers_known(port) == known, f"the broker is known at {port}")

    first_process.send_signal(signal.SIGKILL)
    first_process.wait()
    run_demo(case, both)

    case.start("mqnamesrv", "-c", case.namesrv_conf(first))
    eventually(lambda: brokers_known(first) == known, "the name server that came back learns of the broker")
    run_demo(case, f"127.0.0.1:{first}")

    broker_process.send_signal(signal.SIGKILL)
    broker_process.wait()
    for port in (first, second):
        eventually(lambda port=port: brokers_known(port) == {}, f"the killed broker is gone from {port}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    return run_cases([two_name_servers], lambda: Case(options.bin_dir))


if __name__ == "__main__":
    sys.exit(main())
