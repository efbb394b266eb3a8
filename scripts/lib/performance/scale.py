# SPDX-License-Identifier: Apache-2.0
"""Large numbers of everything: connections, queues, topics, groups, brokers at a name server."""
from performance import targets
from performance.sections import for_brokers, measure_rounds
from harness import servers  # targets has set its path

# Name, subcommand and flags, seconds of warm-up (a broker makes queues and groups at their first use, which is not what is measured), and whether Java is measured too. Its broker needs one mapping for each queue, of which
# a process has 65,530 by default, so that 100,000 queues are beyond it as it comes.
ROWS = [
    ("connections_10000", "produce", ["--connections", "10000", "--in-flight", "1", "--queues", "16"], 3, True),
    ("topics_10000", "mixed", ["--topics", "10000", "--queues", "2", "--connections", "32", "--ratio", "1:1", "--rate", "20000", "--in-flight", "32"], 30, True),
    ("groups_1000", "mixed", ["--groups", "1000", "--connections", "64", "--ratio", "1:15", "--rate", "100", "--commit-interval", "5000"], 20, True),
    ("queues_100000", "produce", ["--queues", "100000", "--connections", "16", "--in-flight", "32"], 10, False),
]
NAME_SERVER = ["--brokers", "1000", "--topics", "10000", "--spread", "4", "--queues", "8", "--connections", "16", "--in-flight", "8"]

MILLION_TOPICS = ["--brokers", "40", "--topics", "1000000", "--spread", "1", "--queues", "4", "--connections", "16", "--in-flight", "8"]


def brokers(settings, flavour):
    results = {}
    for name, load, flags, warm_up, java_too in ROWS:
        if flavour.name == "java" and not java_too:
            continue
        with targets.running(settings, flavour) as target:  # One each: what the last one left behind is no part of the next.
            results[name] = target.bench(name, load, *flags, warm_up=warm_up)
            results[name]["memory"] = targets.memory(target.pid)
    return results


def name_server(settings, flavour, name, flags):
    with servers.Deployment(flavour, targets.STORE_SETTINGS) as deployment:
        pid = deployment.name_server.process.pid
        return targets.mqbench(settings, f"{flavour.name:8} {name}", "nameserver", "-n", deployment.name_server.address, *flags, "--server-pid", str(pid),
                               warm_up=settings.jvm_warm_up if flavour.name == "java" else settings.warm_up)


def scale(settings, _only=()):
    def measure(flavour, _round):
        name_servers = {"nameserver": NAME_SERVER, **({"nameserver_million": MILLION_TOPICS} if flavour.name == "skylark" else {})}
        return {**brokers(settings, flavour), **{name: name_server(settings, flavour, name, flags) for name, flags in name_servers.items()}}

    measure_rounds(settings, "scale", 1, for_brokers(settings, measure))
