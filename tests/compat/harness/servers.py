# SPDX-License-Identifier: Apache-2.0
"""Name servers and brokers as child processes: ours or the Java ones, with one and the same broker.conf."""

import json
import os
import shutil
import sys
import tempfile

from harness import frames, toolbox
from harness.process import ManagedProcess, last_lines

sys.path.insert(0, os.path.join(toolbox.SOURCE_ROOT, "tests", "support"))
import ports  # noqa: E402  (needs the path above)

CLUSTER = "CompatCluster"
BROKER = "broker-a"

GET_BROKER_CLUSTER_INFO = 106

# Short times and small files. Both brokers read this; a key that one of them lacks is only a warning there.
BROKER_SETTINGS = {
    "brokerClusterName": CLUSTER,
    "brokerIP1": "127.0.0.1",
    "brokerIP2": "127.0.0.1",
    "brokerId": "0",
    "brokerRole": "ASYNC_MASTER",
    "flushDiskType": "ASYNC_FLUSH",
    "autoCreateTopicEnable": "false",
    "mappedFileSizeCommitLog": str(32 << 20),
    "mappedFileSizeConsumeQueue": "120000",
    "maxHashSlotNum": "20000",
    "maxIndexNum": "80000",
    "messageDelayLevel": "1s 1s 2s 3s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m",
    "transactionTimeOut": "1000",
    "transactionCheckInterval": "1000",
    "transactionCheckMax": "100",
    "timerWheelEnable": "false",
    # A loaded machine is no reason to refuse sends: these tests are about answers, not about flow control.
    "brokerFastFailureEnable": "false",
    "waitTimeMillsInSendQueue": "30000",
    "osPageCacheBusyTimeOutMills": "30000",
}


class Skylark:
    """Our servers, from a build's bin folder."""

    name = "skylark"
    stop_is_tested = True

    def __init__(self, bin_folder):
        self._bin_folder = os.path.abspath(bin_folder)
        for program in ("mqnamesrv", "mqbroker"):
            if not os.access(os.path.join(self._bin_folder, program), os.X_OK):
                raise SystemExit(f"no program {program} in {self._bin_folder}: build it, or give --bin-dir")

    def name_server_command(self, config, _home):
        return [os.path.join(self._bin_folder, "mqnamesrv"), "-c", config]

    def broker_command(self, config, name_server, _home):
        return [os.path.join(self._bin_folder, "mqbroker"), "-c", config, "-n", name_server]


class Java:
    """Apache RocketMQ 5.3.3 from Maven Central."""

    name = "java"
    stop_is_tested = False  # An orderly stop takes it 11 s, and proves nothing about us.

    def __init__(self, build_folder):
        self._classpath = toolbox.java_classpath(build_folder)

    def name_server_command(self, config, home):
        return self._jvm(home) + ["org.apache.rocketmq.namesrv.NamesrvStartup", "-c", config]

    def broker_command(self, config, name_server, home):
        return self._jvm(home) + ["org.apache.rocketmq.broker.BrokerStartup", "-c", config, "-n", name_server]

    def _jvm(self, home):
        return ["java", "-Xms128m", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                "--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
                "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED", f"-Duser.home={home}",
                f"-Drocketmq.home.dir={home}", "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99",
                "-Dtls.server.mode=disabled",  # Or it makes a certificate at each start.
                "-cp", self._classpath]


def flavour(name, bin_folder, build_folder):
    return Java(build_folder) if name == "java" else Skylark(bin_folder)


class NameServer:
    """`start()` returns once it answers requests; `address` is valid from construction on."""

    def __init__(self, flavour, folder, name="namesrv"):
        self._flavour = flavour
        self._home = _make_home(folder, name)
        self._claim = ports.claim_plain()
        self.address = f"127.0.0.1:{self._claim.number}"
        self._process = None
        self.name = name

    @property
    def process(self):
        return self._process

    def start(self):
        config = _write_properties(os.path.join(self._home, "namesrv.conf"), {
            "listenPort": str(self._claim.number),
            "kvConfigPath": os.path.join(self._home, "kvConfig.json"),
        })
        self._process = ManagedProcess(
            self.name, self._flavour.name_server_command(config, self._home),
            os.path.join(self._home, "stdout.log"), _environment(self._home), self._home)
        self._process.wait_for_output("The Name Server boot success")
        return self

    def release(self):
        """Ends it and gives the port back. Returns what was wrong with its end, or None."""
        complaint = _end(self._flavour, self._process)
        self._claim.release()
        return complaint

    def logs(self):
        return _logs(self._home)


class Broker:
    """`start()` returns once the name server routes to it. `stop()` or `kill()`, then `start()` again, keeps the store."""

    def __init__(self, flavour, folder, name_server_address, settings=None, name=BROKER):
        self._flavour = flavour
        self._home = _make_home(folder, name)
        self._name_server_address = name_server_address
        self._claim = ports.claim_broker()
        self.name = name
        self.address = f"127.0.0.1:{self._claim.listen}"
        self.store_folder = os.path.join(self._home, "store")
        self._settings = {**BROKER_SETTINGS, **(settings or {})}
        self._process = None

    @property
    def process(self):
        return self._process

    def start(self):
        config = _write_properties(os.path.join(self._home, "broker.conf"), {
            "brokerName": self.name,
            "listenPort": str(self._claim.listen),
            "storePathRootDir": self.store_folder,
            "storePathCommitLog": os.path.join(self.store_folder, "commitlog"),
            **self._settings,
        })
        self._process = ManagedProcess(
            self.name, self._flavour.broker_command(config, self._name_server_address, self._home),
            os.path.join(self._home, "stdout.log"), _environment(self._home), self._home)
        self._process.wait_for_output("boot success")
        self._process.wait_until(self._is_registered, "registration at the name server")
        return self

    def stop(self):
        """Orderly stop; the ports stay claimed for the next `start()`."""
        if self._process:
            self._process.stop()

    def kill(self):
        if self._process:
            self._process.kill()

    def release(self):
        """Ends it and gives the ports back. Returns what was wrong with its end, or None."""
        complaint = _end(self._flavour, self._process)
        self._claim.release()
        return complaint

    def logs(self):
        return _logs(self._home)

    def _is_registered(self):
        try:
            reply = frames.call(self._name_server_address, GET_BROKER_CLUSTER_INFO)
        except OSError:
            return False
        return reply.code == 0 and self.address.encode() in reply.body


class Deployment:
    """One name server and one broker in a temporary folder of their own. A context manager.

    On leaving, both have ended; the folder is removed unless `keep_logs()` was called or an exception is passing.
    """

    def __init__(self, flavour, settings=None):
        self.folder = tempfile.mkdtemp(prefix=f"skylark-compat-{flavour.name}-")
        self._keep = False
        self.complaints = []  # Filled by leaving: a server that had to be killed or ended with an error.
        self.name_server = NameServer(flavour, self.folder)
        self.broker = Broker(flavour, self.folder, self.name_server.address, settings)

    def __enter__(self):
        try:
            self.name_server.start()
            self.broker.start()
        except BaseException:
            self.keep_logs()
            self.stop()
            raise
        return self

    def __exit__(self, kind, _value, _trace):
        if kind is not None:
            self.keep_logs()
        self.stop()

    def stop(self):
        self.complaints = [text for text in (self.broker.release(), self.name_server.release()) if text]
        for complaint in self.complaints:
            print(f"---- {complaint}", flush=True)
            self.keep_logs()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep_logs(self):
        """Prints the tails of the servers' logs and leaves the folder behind."""
        if self._keep:
            return
        self._keep = True
        for name, text in {**self.name_server.logs(), **self.broker.logs()}.items():
            print(f"---- tail of {name}\n{text}")
        print(f"---- logs kept in {self.folder}", flush=True)


def _end(flavour, process):
    """Ends a server that may never have been started. Returns a complaint about a crash or an unclean end, or None."""
    if process is None or process.ended_by_us:
        return None
    ended_before = process.exit_code is not None
    code = process.stop(60) if flavour.stop_is_tested else process.kill()
    if ended_before:
        return f"{process.name} had ended by itself with code {code}"
    if flavour.stop_is_tested and code != 0:
        return f"{process.name} ended with code {code} when asked to stop"
    return None


def _make_home(folder, name):
    home = os.path.join(folder, name)
    os.makedirs(home, exist_ok=True)
    return home


def _environment(home):
    """Home folder and RocketMQ's own variables point into the temporary folder; nothing leaks in from outside."""
    environment = {key: value for key, value in os.environ.items() if key not in ("NAMESRV_ADDR", "JAVA_OPT")}
    environment.update(HOME=home, ROCKETMQ_HOME=home)
    return environment


def _write_properties(path, settings):
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"{key}={value}\n" for key, value in settings.items())
    return path


def _logs(home):
    """Name of log file → its last lines, for the logs worth reading after a failure."""
    tails = {}
    for folder, _, files in os.walk(home):
        if os.path.basename(folder) not in ("rocketmqlogs", os.path.basename(home)):
            continue
        for file in sorted(files):
            if file in ("stdout.log", "broker.log", "namesrv.log", "remoting.log", "transaction.log", "storeerror.log"):
                text = last_lines(os.path.join(folder, file), 15)
                if text.strip():
                    tails[os.path.relpath(os.path.join(folder, file), os.path.dirname(home))] = text
    return tails


def parse_body(reply):
    """JSON body of a response whose keys are all quoted (route data, topic lists)."""
    return json.loads(reply.body)
