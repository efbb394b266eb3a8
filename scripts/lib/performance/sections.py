# SPDX-License-Identifier: Apache-2.0
"""Sections of the page that load brokers: each measures rounds in alternation and saves its raw data."""
from performance import kafka_server, leftovers, targets
from performance.settings import facts, save

PIPELINED = ["--connections", "16", "--in-flight", "32"]
# Name → subcommand and flags of mqbench.
SIDE_LOADS = {
    "send_json": ("produce", [*PIPELINED, "--codec", "json"]),
    "send_rocketmq": ("produce", [*PIPELINED, "--codec", "rocketmq"]),
    "one_in_flight": ("latency", ["--codec", "json"]),
    "pull": ("pull", ["--connections", "4", "--in-flight", "4", "--batch", "32", "--preload", "100000", "--codec", "json"]),
    "consume": ("consume", ["--connections", "4", "--groups", "8", "--batch", "32", "--preload", "100000", "--commit-interval", "1000"]),
    "e2e": ("e2e", ["--rate", "1000"]),
    "mixed": ("mixed", ["--connections", "16", "--ratio", "1:1", "--in-flight", "8", "--rate", "10000"]),
    "transactions": ("transactions", ["--connections", "8", "--in-flight", "4"]),
    "delay": ("delay", ["--rate", "1000", "--level", "1"]),
}
OURS_ALONE = {"send_flatbuffers": ("produce", [*PIPELINED, "--codec", "flatbuffers"])}
SYNC_LOADS = {"sync_one_in_flight": ("latency", []), "sync_pipelined": ("produce", PIPELINED)}

QUEUES = [1, 16, 256, 4096, 50000]
CONNECTIONS = [1, 16, 256, 10000]
SIZES = [128, 1024, 16384]
KAFKA_QUEUES_MAX = 4096  # Above that a node on one small machine spends its time opening files.
KAFKA_GUESS = 100_000    # Messages a second, and bytes a second, to choose how many to send.
KAFKA_GUESS_BYTES = 100_000_000
KAFKA_SECONDS = 3        # At least: its producer is a fresh JVM each time.


def measure_rounds(settings, section, rounds, per_round, **more):
    """Runs every server of `per_round` (name → function of the round's number, giving results) in turn, and saves what came out."""
    content = {**facts(settings, rounds), **more, "results": {}}
    try:
        for number in range(rounds):
            print(f"{section}, round {number + 1} of {rounds}", flush=True)
            for name, measure in per_round.items():
                content["results"].setdefault(name, []).append(measure(number))
        save(settings, section, content)
    finally:
        leftovers.remove()


def for_brokers(settings, measure):
    """Name → function that measures that broker."""
    return {flavour.name: lambda number, flavour=flavour: measure(flavour, number) for flavour in targets.flavours(settings)}


def side(settings, only=()):
    """The same loads against ours and Apache RocketMQ; some of them alone are saved apart, as section `partial`."""
    chosen = {name: load for name, load in SIDE_LOADS.items() if not only or name in only}

    def measure(flavour, _round):
        loads = dict(chosen, **({} if only or flavour.name != "skylark" else OURS_ALONE))
        with targets.running(settings, flavour) as target:
            return {name: target.bench(name, load, *flags) for name, (load, flags) in loads.items()}

    measure_rounds(settings, "partial" if only else "side", settings.rounds, for_brokers(settings, measure))


def sync(settings, _only=()):
    """SYNC_FLUSH: an answer means that the message is on disk."""
    def measure(flavour, _round):
        with targets.running(settings, flavour, {"flushDiskType": "SYNC_FLUSH"}) as target:
            return {name: target.bench(name, load, *flags) for name, (load, flags) in SYNC_LOADS.items()}

    measure_rounds(settings, "sync", settings.rounds, for_brokers(settings, measure))


def sweep_brokers(settings, flavour, number):
    """One broker through all points: queues, topics, connections, sizes. Many queues and topics in the first round alone: where a file
    system discards the blocks of each removed file at once, removing that store takes minutes."""
    with targets.running(settings, flavour) as target:
        results = {}
        many = number == 0 and (settings.many or flavour.name == "skylark")
        for queues in QUEUES:
            if queues > 4096 and not many:
                continue
            # Every queue has been written to before it is measured.
            results[f"queues_{queues}"] = target.bench(f"queues_{queues}", "produce", *PIPELINED, "--queues", str(queues),
                                                       warm_up=max(settings.warm_up, queues / 25_000))
        if many:
            results["topics_10000"] = target.bench("topics_10000", "produce", *PIPELINED, "--queues", "1", "--topics", "10000",
                                                   warm_up=max(settings.warm_up, 1))
        for connections in CONNECTIONS:
            in_flight = max(1, min(32, 10_000 // connections))
            results[f"connections_{connections}"] = target.bench(f"connections_{connections}", "produce", "--connections", str(connections),
                                                                 "--in-flight", str(in_flight))
        for size in SIZES:
            results[f"size_{size}"] = target.bench(f"size_{size}", "produce", *PIPELINED, "--size", str(size), seconds=min(settings.seconds, 3),
                                                   warm_up=min(settings.warm_up, 1))
        return results


def sweep_kafka(settings):
    with kafka_server.running(settings) as server:
        seconds = max(settings.seconds, KAFKA_SECONDS)
        server.produce("warm_up", 4, 128, settings.jvm_warm_up, KAFKA_GUESS)
        results = {f"queues_{queues}": server.produce(f"queues_{queues}", queues, 128, seconds, KAFKA_GUESS)
                   for queues in QUEUES if queues <= KAFKA_QUEUES_MAX}
        for size in SIZES:
            results[f"size_{size}"] = server.produce(f"size_{size}", 4, size, KAFKA_SECONDS, min(KAFKA_GUESS, KAFKA_GUESS_BYTES / size))
        return results


def sweeps(settings, _only=()):
    """Curves over the number of queues, topics and connections, and the size of messages, Kafka too."""
    per_round = for_brokers(settings, lambda flavour, number: sweep_brokers(settings, flavour, number))
    missing = None
    try:
        kafka_server.classpath(settings.build_dir)
        per_round["kafka"] = lambda _round: sweep_kafka(settings)
    except (RuntimeError, OSError) as error:
        missing = str(error)
        print(f"  kafka: {missing}", flush=True)
    measure_rounds(settings, "sweeps", settings.sweep_rounds, per_round, kafka=kafka_server.VERSION, kafkaMissing=missing)
